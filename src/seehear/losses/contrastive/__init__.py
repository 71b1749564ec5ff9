"""Losses that bring the embeddings of two modalities together, segment by segment, without segments' labels.

Wu et al. (Sec. 3.3) go from SimCLR's loss (Eq. 4) over a time-weighted one (Eq. 5) to MTSC, the multimodal time-series
contrastive loss (Eq. 6). Each is a function of two modalities' embeddings; what they share is a file each: similarity,
lag, target, residual, reduction.
"""
