"""The product: what a campaign is, whom it reaches, and how it is carried out."""
