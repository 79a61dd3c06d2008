// Package browsertest holds tests that sign people in with a real browser: Chromium walks through the pages of the
// quickstart, from a link to the simulated document. They show what no other test can: that the pages' scripts run
// under their Content-Security-Policy, that cookies and redirects survive a browser's rules, that everything works
// without scripts and with the keyboard alone, and that the pages can be read.
//
// The bridge's own pages are looked at in every dress and language, as internal/showcase serves them. Beside the tests' own
// eyes, axe-core looks for barriers and acorn for scripts that old browsers do not know; npm installs both, in the versions
// of testdata/package-lock.json, into a folder that is thrown away. Without npm those tests are skipped, or where it cannot
// reach its registry.
//
// The tests need Chromium (Debian's package chromium) and are skipped without it, and with -short. They build the
// programs, run them on free ports of this machine, and end what they started. No request of a page leaves the loopback
// address.
//
//	go test -count=1 ./internal/browsertest
//	go test -count=1 ./internal/browsertest -args -pictures DIR
//
// The second line also takes pictures of the pages, for the documentation; DIR is absolute or seen from this folder.
// -count=1 matters: the go command does not know that a result depends on the quickstart, and would show an old one.
//
// This is a module of its own, so that nobody who uses entrafed downloads a browser's driver.
package browsertest
