"""Facts of the Image Pixel module that describe the cells of one frame. Standard library only."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """What the Image Pixel module says of one frame (PS3.3 C.7.6.3).

    Each field is the attribute of that name; `planar_configuration` is 0 where the object has none.
    """

    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    pixel_representation: int
    photometric_interpretation: str
    planar_configuration: int

    @property
    def frame_bits(self) -> int:
        """Bits of one uncompressed frame; 4:2:2 has half the chroma (PS3.3 C.7.6.3.1.2)."""
        pixels = self.rows * self.columns
        samples = 2 if self.is_subsampled else self.samples_per_pixel
        return pixels * samples * self.bits_allocated

    @property
    def frame_length(self) -> int:
        """Bytes of one uncompressed frame, rounded up."""
        return (self.frame_bits + 7) // 8

    @property
    def is_subsampled(self) -> bool:
        """Whether the uncompressed chroma planes are smaller than the luma plane."""
        return self.photometric_interpretation in {
            "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420",
        }  # fmt: skip

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, columns), or (rows, columns, samples) where there is more than one sample."""
        plane = (self.rows, self.columns)
        return plane if self.samples_per_pixel == 1 else (*plane, self.samples_per_pixel)

    @property
    def dtype(self) -> str:
        """Little-endian numpy type of one cell of BitsAllocated, which is 8 or 16."""
        return f"<{'i' if self.pixel_representation else 'u'}{self.bits_allocated // 8}"
