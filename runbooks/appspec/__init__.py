"""AppSpec files and bundles, judged before they are deployed as the agents would judge them."""
