"""TikTok Shop: notices that name orders, signed calls for everything else, and tokens that run out."""
