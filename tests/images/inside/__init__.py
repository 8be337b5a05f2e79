"""Programs that run inside an image, from standard input; the checkout tells what they should print."""
