"""Losses that bring the embeddings of two modalities together, segment by segment, without labels of segments.

Wu et al. (Sec. 3.3) go from SimCLR's loss (Eq. 4) over a time-weighted one (Eq. 5) to MTSC, the multimodal time-series
contrastive loss (Eq. 6). Each loss is a file with a function and a module. What they share is one file each:
similarity, lag, target, residual, reduction. `registry` names the losses, `settings` holds what a recipe can set, and
`module` applies a loss to all pairs of modalities.
"""
