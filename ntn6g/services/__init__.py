"""What a network does with links. Services never import each other; a study that needs two composes them."""
