// SPDX-License-Identifier: Apache-2.0

//go:build tools

// What scripts/setup.sh builds for the tests: CometBFT's own program, in the version of go.mod.
package cometbft

import _ "github.com/cometbft/cometbft/cmd/cometbft"
