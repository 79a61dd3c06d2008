package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// findChromium looks for the browser under the names that distributions give it.
func findChromium() (path string, found bool) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	return "", false
}

func needChromium(t *testing.T) {
	t.Helper()
	switch {
	case testing.Short():
		t.Skip("-short: a browser takes its time")
	case stage.browser == nil:
		t.Skip("there is no Chromium here: install Debian's package chromium, or have google-chrome in the PATH")
	}
}

// startChromium starts one browser with an empty profile. Each visitor gets a part of it that shares nothing with the
// others. No name resolves but the loopback address, so that nothing can leave this machine.
func startChromium(path, profile string) (context.Context, func(), error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.DisableGPU,
		chromedp.Flag("no-sandbox", os.Geteuid() == 0), // Chromium has no sandbox for root
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("allow-pre-commit-input", true), // else a press right after a page has come may get lost
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
	browser, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(browser); err != nil {
		release()
		return nil, nil, fmt.Errorf("%s does not start: %w", path, err)
	}
	return browser, func() {
		ctx, cancel := context.WithTimeout(browser, patience)
		defer cancel()
		if err := chromedp.Cancel(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "browsertest: Chromium did not end in order:", err)
		}
		release()
	}, nil
}
