"""CVAE-JETS: variance control, learned alignment and a flow, trained end to end; and JETS, of the same parts."""
