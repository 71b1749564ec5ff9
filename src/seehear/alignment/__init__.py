"""Alignment: how well the embeddings of two modalities agree in meaning, by what retrieves what."""
