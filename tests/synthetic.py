"""DICOM objects of every kind, made in memory: each kind's pixel values are known before anything encodes them."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    MPEG4HP41,
    UID,
    BasicTextSRStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    ParametricMapStorage,
    RLELossless,
    RTDoseStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    VideoEndoscopicImageStorage,
    VLWholeSlideMicroscopyImageStorage,
    generate_uid,
)

Array = NDArray[Any]
UNCOMPRESSED = {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What an image object is like; `dirty` puts values into the unused high bits of its cells."""

    rows: int = 48
    columns: int = 40
    frames: int = 1
    allocated: int = 16
    stored: int = 12
    signed: bool = False
    photometric: str = "MONOCHROME2"
    planar: int = 0
    syntax: str = ExplicitVRLittleEndian
    dirty: bool = False
    sop_class: str | None = None
    modality: str = "OT"

    @property
    def samples(self) -> int:
        return 3 if self.photometric.startswith(("RGB", "YBR")) else 1

    @property
    def shape(self) -> tuple[int, ...]:
        """(frames, rows, columns[, samples])."""
        shape = (self.frames, self.rows, self.columns)
        return shape if self.samples == 1 else (*shape, self.samples)


_COLOUR = Kind(allocated=8, stored=8, photometric="RGB")
_BYTE = Kind(allocated=8, stored=8)
_CT = Kind(rows=64, columns=64, stored=16, signed=True, sop_class=CTImageStorage, modality="CT")

IMAGES: dict[str, Kind] = {
    "ct": _CT,
    "u8": _BYTE,
    "i8": replace(_BYTE, signed=True),
    "u7": replace(_BYTE, stored=7),
    "u8of16": Kind(stored=8),
    "i8of16": Kind(stored=8, signed=True),
    "u5of16": Kind(stored=5),
    "rgb8of16": Kind(stored=8, photometric="RGB"),
    "u10": Kind(stored=10),
    "i10": Kind(stored=10, signed=True),
    "u12": Kind(),
    "i12": Kind(signed=True),
    "u16": Kind(stored=16),
    "i16": Kind(stored=16, signed=True),
    "monochrome1": Kind(photometric="MONOCHROME1"),
    "u12_dirty": Kind(dirty=True),
    "i12_dirty": Kind(signed=True, dirty=True),
    "rgb": _COLOUR,
    "rgb_planar": replace(_COLOUR, planar=1),
    "rgb16": replace(_COLOUR, allocated=16, stored=16),
    "ybr_full": replace(_COLOUR, photometric="YBR_FULL"),
    "ybr_full_planar": replace(_COLOUR, photometric="YBR_FULL", planar=1),
    "palette": replace(_BYTE, photometric="PALETTE COLOR"),
    "palette16": Kind(stored=16, photometric="PALETTE COLOR"),
    "multiframe": Kind(frames=5),
    "multiframe_u8": replace(_BYTE, frames=4),
    "multiframe_odd": replace(_BYTE, rows=3, columns=5, frames=3),
    "multiframe_rgb": replace(_COLOUR, frames=3),
    "multiframe_rgb_planar": replace(_COLOUR, frames=3, planar=1),
    "enhanced_ct": replace(_CT, frames=4, sop_class=EnhancedCTImageStorage),
    "1x1": Kind(rows=1, columns=1),
    "1x1_u8": replace(_BYTE, rows=1, columns=1),
    "1x1_rgb": replace(_COLOUR, rows=1, columns=1),
    "1x9": Kind(rows=1, columns=9),
    "9x1": Kind(rows=9, columns=1, signed=True),
    "2x2": Kind(rows=2, columns=2, stored=16, signed=True),
    "3x5": replace(_BYTE, rows=3, columns=5),
    "3x5_rgb": replace(_COLOUR, rows=3, columns=5),
    "65x63": Kind(rows=65, columns=63, stored=16, signed=True),
    "129x700": Kind(rows=129, columns=700),
    "1x3000": Kind(rows=1, columns=3000),
    "2100x80": Kind(rows=2100, columns=80),
}
_SYNTAXES = {
    "implicit": (ImplicitVRLittleEndian, "u8 u8of16 i16 u12_dirty rgb_planar multiframe 3x5"),
    "big_endian": (
        ExplicitVRBigEndian,
        "u8 i12 u16 3x5 rgb rgb_planar rgb16 multiframe multiframe_odd palette u12_dirty",
    ),
    "deflated": (DeflatedExplicitVRLittleEndian, "u8 i16 rgb multiframe"),
    "rle": (
        RLELossless,
        "u8 i8of16 i12 u16 3x5 1x1_u8 rgb rgb_planar rgb16 palette multiframe multiframe_rgb u12_dirty i12_dirty",
    ),
    "jpeg57": (JPEGLossless, "u8 u12 u16 i12 i16 rgb 65x63"),
    "jpeg70": (JPEGLosslessSV1, "u8 u10 u12 i12 u16 i16 rgb ybr_full palette multiframe 1x9 65x63"),
    "jpegls": (JPEGLSLossless, "u8 u12 i12 u16 i16 rgb rgb_planar ybr_full palette multiframe 3x5 65x63"),
    "j2k": (JPEG2000Lossless, "u8 i8 u8of16 u12 i12 u16 i16 rgb ybr_full palette multiframe 3x5 65x63 1x1"),
    "htj2k201": (HTJ2KLossless, "u8 u12 i12 u16 i16 rgb ybr_full palette multiframe 3x5"),
    "htj2k202": (HTJ2KLosslessRPCL, "u8 u12 i12 u16 i16 rgb ybr_full palette multiframe 3x5"),
    "htj2k203": (HTJ2K, "u8 u12 i12 u16 rgb multiframe"),
}
for _suffix, (_syntax, _bases) in _SYNTAXES.items():
    IMAGES |= {f"{base}_{_suffix}": replace(IMAGES[base], syntax=_syntax) for base in _bases.split()}

RECEIVED = tuple(name for name in IMAGES if "_htj2k" in name)
"""Kinds that arrive in HTJ2K."""
ENCODABLE = tuple(name for name in IMAGES if "_htj2k203" not in name)
"""Kinds that get an HTJ2K representation of the platform's own."""


def values(name: str) -> Array:
    """Cells of an image kind, little endian: (frames, rows, columns[, samples]), the same at each call."""
    kind = IMAGES[name]
    random = np.random.default_rng(zlib.crc32(repr(replace(kind, syntax="", planar=0)).encode()))
    span = 1 << kind.stored
    row, column = np.mgrid[0 : kind.rows, 0 : kind.columns]
    smooth = (np.sin(row / 9) + np.cos(column / 7) + 2) / 4 * (span - 1)
    cells = np.empty(kind.shape, "i4")
    for index in range(kind.frames):
        plane = smooth[..., None] if kind.samples > 1 else smooth
        noise = random.integers(0, max(span // 16, 2), kind.shape[1:])
        cells[index] = (plane.astype("i4") + noise + index) % span
    flat = cells.reshape(kind.frames, -1)
    flat[:, 0], flat[:, -1] = 0, span - 1  # both ends of the range
    if kind.signed:
        cells -= span // 2
    array = cells.astype(f"<{'i' if kind.signed else 'u'}{kind.allocated // 8}")
    if kind.dirty:
        unsigned = array.view(f"<u{kind.allocated // 8}")
        unsigned ^= (random.integers(0, 16, kind.shape) << kind.stored).astype(unsigned.dtype)
    return array


def make(name: str, **attributes: object) -> Dataset:
    """Make the object of a kind; the same name gives the same UIDs. `attributes` replace those of the object."""
    ds = _image(name) if name in IMAGES else OTHERS[name]()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    if "SOPInstanceUID" in attributes:
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


def part10(ds: Dataset) -> bytes:
    """Return the object as a file."""
    buffer = io.BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def ct_slice(
    number: int = 1,
    *,
    rows: int = 64,
    columns: int = 64,
    study: str = "study",
    series: str = "series",
    patient: str = "SYNTHETIC",
    syntax: str = ExplicitVRLittleEndian,
) -> Dataset:
    """Make slice `number` of a CT volume; `study` and `series` are any words, the same word gives the same UID."""
    ds = _head(f"{study}/{series}/{number}", CTImageStorage, "CT", syntax, patient=patient)
    ds.StudyInstanceUID, ds.SeriesInstanceUID = uid(study), uid(f"{study}/{series}")
    ds.FrameOfReferenceUID = uid(f"{study}/frame")
    ds.InstanceNumber = number
    kind = replace(_CT, rows=rows, columns=columns, syntax=syntax)
    row, column = np.mgrid[0:rows, 0:columns]
    random = np.random.default_rng(number)
    inside = (row - rows / 2) ** 2 / (rows / 2.5) ** 2 + (column - columns / 2) ** 2 / (columns / 3) ** 2 < 1
    cells = np.where(inside, 40 + 8 * number, -1000) + random.integers(-20, 20, (rows, columns))
    _describe(ds, kind)
    _geometry(ds, number)
    _put_pixels(ds, kind, cells.astype("<i2")[None])
    return ds


def uid(word: str) -> UID:
    """Return the UID that stands for a word."""
    return UID(generate_uid(entropy_srcs=["synthetic", word]))


def encoded_frame(cells: Array, kind: Kind) -> bytes:
    """Encode one frame in the kind's compressed transfer syntax."""
    if kind.syntax == RLELossless:
        return _rle(cells, kind)
    if kind.syntax in {JPEGLossless, JPEGLosslessSV1}:
        return _jpeg_lossless(cells, kind)
    if kind.syntax == JPEGLSLossless:
        return bytes(imagecodecs.jpegls_encode(cells.view(f"u{kind.allocated // 8}")))  # declares BitsAllocated
    rgb = kind.photometric == "RGB"
    if kind.syntax == JPEG2000Lossless:
        planar = False if kind.samples > 1 else None
        bits = kind.stored if not kind.signed else None
        return bytes(
            imagecodecs.jpeg2k_encode(
                cells, codecformat="j2k", reversible=True, mct=rgb, planar=planar, bitspersample=bits, level=0
            )
        )
    planar = False if kind.samples > 1 else None
    reversible = kind.syntax != HTJ2K
    return bytes(imagecodecs.htj2k_encode(cells, 1e-5, rgb=rgb, planar=planar, reversible=reversible, resolutions=2))


def _unsigned(cells: Array, kind: Kind) -> Array:
    """Codecs of unsigned samples get BitsStored bits of two's complement."""
    unsigned = np.dtype(f"u{kind.allocated // 8}")
    return np.ascontiguousarray(cells.view(unsigned) & unsigned.type((1 << kind.stored) - 1))


def _jpeg_lossless(cells: Array, kind: Kind) -> bytes:
    space = "RGB" if kind.samples > 1 else None  # the samples as they are, whatever they mean
    predictor = 1 if kind.syntax == JPEGLosslessSV1 else 5
    return bytes(
        imagecodecs.jpeg8_encode(
            _unsigned(cells, kind),
            lossless=True,
            predictor=predictor,
            bitspersample=kind.stored,
            colorspace=space,
            outcolorspace=space,
        )
    )


def _rle(cells: Array, kind: Kind) -> bytes:
    """Byte planes, the most significant first, each row as literal runs of at most 128 bytes (PS3.5 Annex G)."""
    planes = cells.reshape(kind.rows, kind.columns, kind.samples).view("u1")
    size = kind.allocated // 8
    segments = []
    for sample in range(kind.samples):
        for byte in reversed(range(size)):
            segment = b""
            for row in planes[:, :, sample * size + byte]:
                runs = [row[start : start + 128].tobytes() for start in range(0, kind.columns, 128)]
                segment += b"".join(bytes([len(run) - 1]) + run for run in runs)
            segments.append(segment + bytes(len(segment) % 2))
    offsets = [64 + sum(map(len, segments[:index])) for index in range(len(segments))]
    head = np.array([len(segments), *offsets, *[0] * (15 - len(segments))], "<u4")
    return head.tobytes() + b"".join(segments)


def _head(word: str, sop_class: str, modality: str, syntax: str, *, patient: str = "SYNTHETIC") -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, uid(f"instance {word}")
    ds.StudyInstanceUID, ds.SeriesInstanceUID = uid("study of kinds"), uid(f"series {modality} {sop_class}")
    ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = patient, "Synthetic^Phantom", "19700101", "O"
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20240102", "101112", "1", "ACC1"
    ds.ReferringPhysicianName = ""
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = modality, 1, 1
    ds.Manufacturer = "Synthetic"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = UID(sop_class), ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    return ds


def _geometry(ds: Dataset, number: int) -> None:
    ds.PixelSpacing, ds.SliceThickness = [0.5, 0.5], 2.0
    ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-16, -16, 2.0 * number]
    ds.RescaleIntercept, ds.RescaleSlope = 0, 1
    ds.WindowCenter, ds.WindowWidth = 40, 400


def _image(name: str) -> Dataset:
    kind = IMAGES[name]
    ds = _head(name, kind.sop_class or _sop_class(kind), kind.modality, kind.syntax)
    _describe(ds, kind)
    if kind.modality == "CT" and kind.frames == 1:
        _geometry(ds, 1)
    if kind.photometric == "PALETTE COLOR":
        _palette(ds, kind)
    cells = values(name)
    _put_pixels(ds, kind, cells)
    return ds


def _sop_class(kind: Kind) -> str:
    if kind.frames == 1:
        return SecondaryCaptureImageStorage
    if kind.samples > 1:
        return MultiFrameTrueColorSecondaryCaptureImageStorage
    if kind.allocated == 8:
        return MultiFrameGrayscaleByteSecondaryCaptureImageStorage
    return MultiFrameGrayscaleWordSecondaryCaptureImageStorage


def _describe(ds: Dataset, kind: Kind) -> None:
    """Image Pixel module."""
    ds.Rows, ds.Columns, ds.SamplesPerPixel = kind.rows, kind.columns, kind.samples
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = kind.allocated, kind.stored, kind.stored - 1
    ds.PixelRepresentation = int(kind.signed)
    ds.PhotometricInterpretation = kind.photometric
    if kind.samples > 1:
        ds.PlanarConfiguration = kind.planar
    if kind.frames > 1:
        ds.NumberOfFrames = kind.frames


def _palette(ds: Dataset, kind: Kind) -> None:
    """256 entries of 16 bits, from the first value on; what is above takes the last entry."""
    entries = np.arange(256)
    for colour, factor in (("Red", 1), ("Green", 3), ("Blue", 5)):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        order = ">" if kind.syntax == ExplicitVRBigEndian else "<"
        table = (entries * factor % 256 * 257).astype(f"{order}u2").tobytes()
        setattr(ds, f"{colour}PaletteColorLookupTableData", table)


def _put_pixels(ds: Dataset, kind: Kind, cells: Array) -> None:
    if kind.syntax in UNCOMPRESSED:
        if kind.samples > 1 and kind.planar:
            cells = cells.transpose(0, 3, 1, 2)
        data = (cells.byteswap() if kind.syntax == ExplicitVRBigEndian else cells).tobytes()
        ds.PixelData = data + bytes(len(data) % 2)
        ds["PixelData"].VR = "OB" if kind.allocated == 8 and kind.syntax != ImplicitVRLittleEndian else "OW"
        return
    ds.PixelData = encapsulate([encoded_frame(frame, kind) for frame in cells])
    ds["PixelData"].VR = "OB"
    if kind.photometric == "RGB" and kind.syntax in {JPEG2000Lossless, HTJ2KLossless, HTJ2KLosslessRPCL}:
        ds.PhotometricInterpretation = "YBR_RCT"
    if kind.syntax == HTJ2K:
        ds.LossyImageCompression = "01"
        if kind.photometric == "RGB":
            ds.PhotometricInterpretation = "YBR_ICT"


def _without_pixels(word: str, sop_class: str, modality: str) -> Dataset:
    return _head(word, sop_class, modality, ExplicitVRLittleEndian)


def _report() -> Dataset:
    ds = _without_pixels("sr", BasicTextSRStorage, "SR")
    ds.ValueType, ds.CompletionFlag, ds.VerificationFlag = "CONTAINER", "COMPLETE", "UNVERIFIED"
    return ds


def _pdf() -> Dataset:
    ds = _without_pixels("pdf", EncapsulatedPDFStorage, "DOC")
    ds.EncapsulatedDocument, ds.MIMETypeOfEncapsulatedDocument = b"%PDF-1.4\n%%EOF\n ", "application/pdf"
    ds.ConversionType, ds.BurnedInAnnotation, ds.DocumentTitle = "WSD", "NO", "Synthetic"
    return ds


def _pixels_of(word: str, sop_class: str, modality: str, kind: Kind, data: bytes) -> Dataset:
    """Make an object of an unusual kind with ready Pixel Data."""
    ds = _head(word, sop_class, modality, kind.syntax)
    _describe(ds, kind)
    ds.PixelData = data if kind.syntax in UNCOMPRESSED else encapsulate([data])
    ds["PixelData"].VR = "OW" if kind.allocated > 8 else "OB"
    return ds


def _dose() -> Dataset:
    data = np.arange(96, dtype="<u4").tobytes()
    ds = _pixels_of("dose32", RTDoseStorage, "RTDOSE", Kind(rows=8, columns=12, allocated=32, stored=32), data)
    ds.DoseUnits, ds.DoseType, ds.DoseSummationType, ds.DoseGridScaling = "GY", "PHYSICAL", "PLAN", 0.001
    return ds


def _float_map(double: bool) -> Dataset:
    ds = _without_pixels(f"float {double}", ParametricMapStorage, "MR")
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.NumberOfFrames = 6, 8, 1, 1
    ds.PhotometricInterpretation, ds.BitsAllocated = "MONOCHROME2", 64 if double else 32
    data = np.linspace(-1, 1, 48, dtype="<f8" if double else "<f4").tobytes()
    setattr(ds, "DoubleFloatPixelData" if double else "FloatPixelData", data)
    return ds


def _segmentation() -> Dataset:
    bits = np.random.default_rng(1).integers(0, 2, 3 * 5 * 7, dtype="u1")
    kind = Kind(rows=5, columns=7, frames=3, allocated=1, stored=1)
    data = np.packbits(bits, bitorder="little").tobytes()
    return _pixels_of("seg", SegmentationStorage, "SEG", kind, data + bytes(len(data) % 2))


def _lossy(word: str, syntax: str, data: bytes | bytearray, photometric: str = "MONOCHROME2") -> Dataset:
    kind = replace(_BYTE, syntax=syntax, photometric=photometric)
    ds = _pixels_of(word, SecondaryCaptureImageStorage, "OT", kind, bytes(data))
    ds.LossyImageCompression, ds.LossyImageCompressionRatio = "01", 4
    return ds


def _ybr_422() -> Dataset:
    kind = replace(_BYTE, rows=4, columns=6, photometric="YBR_FULL_422")
    return _pixels_of("422", SecondaryCaptureImageStorage, "OT", kind, bytes(range(48)))


def _video() -> Dataset:
    kind = replace(_COLOUR, frames=7, syntax=MPEG4HP41, photometric="YBR_PARTIAL_420")
    return _pixels_of("video", VideoEndoscopicImageStorage, "ES", kind, b"\0\0\0\x18ftypmp42" * 4)


def _whole_slide() -> Dataset:
    data = values("rgb").tobytes()
    return _pixels_of("wsi", VLWholeSlideMicroscopyImageStorage, "SM", _COLOUR, data)


OTHERS: dict[str, Callable[[], Dataset]] = {
    "sr": _report,
    "pdf": _pdf,
    "dose32": _dose,
    "float_map": lambda: _float_map(double=False),
    "double_map": lambda: _float_map(double=True),
    "one_bit": _segmentation,
    "ybr_422": _ybr_422,
    "video": _video,
    "whole_slide": _whole_slide,
    "jpeg_baseline": lambda: _lossy("50", JPEGBaseline8Bit, imagecodecs.jpeg8_encode(values("u8")[0], 80)),
    "jpeg_baseline_rgb": lambda: _lossy(
        "50c", JPEGBaseline8Bit, imagecodecs.jpeg8_encode(values("rgb")[0], 80, subsampling="422"), "YBR_FULL_422"
    ),
    "jpegls_near": lambda: _lossy("81", JPEGLSNearLossless, imagecodecs.jpegls_encode(values("u8")[0], 2)),
    "j2k_lossy": lambda: _lossy("91", JPEG2000, imagecodecs.jpeg2k_encode(values("u8")[0], 40, codecformat="j2k")),
}
"""Kinds that get no HTJ2K representation, each for a reason of its own."""

KINDS = (*IMAGES, *OTHERS)
"""Every name that `make` takes."""
