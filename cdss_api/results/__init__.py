"""What models found: DICOM objects beside the images, the record, and the reader who accepts or rejects it."""
