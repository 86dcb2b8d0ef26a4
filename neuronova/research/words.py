"""Clean Descriptors (PS3.15 E.3.4): of a description only words that name no person stay."""

from __future__ import annotations

import re

_LIST = """
    2d 3d 4d abdomen abdominal adc angio ankle aorta arm arterial asl axial axials body bold bone brain breast
    c1 c7 calcium cardiac carotid cerebral cervical chest circle coil contrast cor coronal cr cspine ct cta ctp
    cube dce delayed diffusion diffusional dti dual dwi dx dynamic echo elbow enhanced epi fast fat female femur
    ffe flair flash follow foot fov fse functional ge gre hand head heart hip hrct iac intracranial iv kidney
    knee lateral left leg liver loc localiser localizer low lspine lumbar lung lungs mammo mammography mdct mg
    mip mpr mprage mr mra mri mrv neck neuro nm non oblique orbit orbits parallel pelvis perfusion pet ph phase
    pituitary plain portal post pre prone protocol pt pwi radial recon reconstruction right routine sag sagittal
    sat scan scout screening se sella sense seq series shoulder sinus sinuses skull slab soft space spgr spin
    spine spiral spoiled standard stir study supine swi t1 t1w t2 t2star t2w tfe thick thin thoracic thorax tof
    topogram tra trace transverse trauma tse tspine ultrasound unenhanced up venous vibe view volume wb weighted
    whole window with without wo wrist xa xray
"""
_WORDS = frozenset(_LIST.split())
_TOKEN = re.compile(r"[A-Za-z0-9]+")
_SMALL = re.compile(r"[0-9]{1,2}(?:mm)?", re.IGNORECASE)


def cleaned(text: str) -> str:
    """Return the words of a description that are in our list, and numbers of one or two digits, in order."""
    return " ".join(one for one in _TOKEN.findall(text) if one.lower() in _WORDS or _SMALL.fullmatch(one))
