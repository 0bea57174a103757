# SPDX-License-Identifier: Apache-2.0
"""Ways out and in that root on a locked device has, as a table, and the rig that tries them."""
