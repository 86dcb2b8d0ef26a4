"""Modality Performed Procedure Steps (PS3.4 Annex F): what modalities tell of the examinations that they carry out."""
