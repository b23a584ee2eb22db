"""What the product needs of the world, as small protocols, and the values they exchange."""
