"""Prints what a label of the sandboxes is in each format: of a picture its size, of a file its hash."""

import hashlib
from io import BytesIO

from PIL import Image

from crossdock_sandbox.labels import Label

LABEL = Label("Any Post", "Priority", "9400111899223197428490", ("Ä & Co", "1 St"), ("Bo", "2 St"), "0.8 kg")

for file_format in ("png", "gif"):
    picture = Image.open(BytesIO(LABEL.draw(file_format)))
    print(picture.format, picture.size, picture.getextrema())
for file_format in ("pdf", "zpl"):
    print(file_format, hashlib.sha256(LABEL.draw(file_format)).hexdigest())
