"""Whether campaigns are what they promise to be, and mending them where they are not."""
