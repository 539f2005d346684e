"""Token level: ``selection`` is what all choices share; every other module is one of them."""
