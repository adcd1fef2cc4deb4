"""Which places of an image are evidence for a class. The names can be had without torch."""

METHOD_NAMES = ("grad-cam", "guided-grad-cam", "saliency", "integrated-gradients", "occlusion")
