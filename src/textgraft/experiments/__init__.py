"""Questions about rows and classifiers: what is in a file, how good a model is, which texts are alike."""
