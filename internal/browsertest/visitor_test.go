package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	devpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// visitor is a person with a browser that has never been used, and one tab of it. The steps wait for what they need and
// end the test if it does not come.
type visitor struct {
	t   *testing.T
	ctx context.Context // of the tab
	did *record
}

// The size of a page that nobody sized, in CSS pixels.
const (
	width  = 900
	height = 640
)

// newVisitor opens a browser for one person. It shares no cookies with any other.
func newVisitor(t *testing.T) *visitor {
	t.Helper()
	needChromium(t)
	return newTab(t, stage.browser, chromedp.WithNewBrowserContext())
}

// opensAnotherTab returns the same person at a second tab.
func (v *visitor) opensAnotherTab() *visitor {
	v.t.Helper()
	return newTab(v.t, v.ctx)
}

func newTab(t *testing.T, parent context.Context, options ...chromedp.ContextOption) *visitor {
	t.Helper()
	did := newRecord()
	ctx, closeTab := chromedp.NewContext(parent, append(options, chromedp.WithListener(did.note))...)
	t.Cleanup(func() {
		closeTab()
		did.check(t)
	})
	v := &visitor{t: t, ctx: ctx, did: did}
	require.NoError(t, chromedp.Do(ctx))
	v.hasScreen(width, height)
	// Several tabs are open at the same time, and only one window can have the focus.
	_, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled,
		emulation.SetFocusEmulationEnabledParams{Enabled: true})
	require.NoError(t, err)
	return v
}

// hasScreen sets the size of the page, in CSS pixels.
func (v *visitor) hasScreen(width, height int64) {
	v.t.Helper()
	_, err := chromedp.Call(v.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1,
	})
	require.NoError(v.t, err)
}

// prefers sets the colour scheme: "light" or "dark".
func (v *visitor) prefers(scheme string) {
	v.t.Helper()
	_, err := chromedp.Call(v.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(v.t, err)
}

// runsNoScripts switches JavaScript off.
func (v *visitor) runsNoScripts() {
	v.t.Helper()
	_, err := chromedp.Call(v.ctx, emulation.SetScriptExecutionDisabled,
		emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(v.t, err)
}

// opens follows an address, as if typed. It does not wait: the page may lead on at once.
func (v *visitor) opens(address string) {
	v.t.Helper()
	_, err := chromedp.Call(v.ctx, devpage.Navigate, devpage.NavigateParams{URL: address})
	require.NoError(v.t, err)
}

// view is what the browser shows.
type view struct {
	Address string `json:"address"`
	Heading string `json:"heading"`
	Status  int    `json:"status"`
	Banner  string `json:"banner"`
	Ready   bool   `json:"ready"`
}

const look = `(() => ({
	address: location.href,
	heading: document.querySelector("h1")?.textContent ?? "",
	status: performance.getEntriesByType("navigation")[0]?.responseStatus ?? 0,
	banner: (document.querySelector("header, [role=note]")?.textContent ?? "").trim(),
	ready: document.readyState === "complete",
}))()`

// comesTo waits until a page is shown, and looks at what every page must have.
func (v *visitor) comesTo(p page) view {
	v.t.Helper()
	var seen view
	v.waits("the page "+p.Heading, func() bool {
		seen = evaluate[view](v, look)
		return p.is(seen)
	})
	require.Equal(v.t, p.status(), seen.Status, "%s has the wrong status", seen.Address)
	if !p.Plain {
		require.Contains(v.t, strings.ToLower(seen.Banner), "simulated", "%s looks as if it were real", seen.Address)
	}
	return seen
}

// waits until the condition holds. What the browser shows meanwhile goes into the report of a failure.
func (v *visitor) waits(what string, holds func() bool) {
	v.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(25 * time.Millisecond) {
		if time.Now().After(deadline) {
			require.Fail(v.t, "waited in vain for "+what, "the browser shows %+v\nit was at %s", evaluate[view](v, look),
				strings.Join(v.did.pagesShown(), "\n"))
		}
	}
}

// evaluate asks the page. Between two pages there is nobody to answer: the zero value is returned then.
func evaluate[T any](v *visitor, expression string) T {
	v.t.Helper()
	answer, err := chromedp.Run(v.ctx, chromedp.Evaluate[T](expression))
	if err == nil {
		return answer
	}
	var exception *chromedp.ExceptionError
	require.False(v.t, errors.As(err, &exception), "the test's own script fails: %s", err)
	require.NoError(v.t, v.ctx.Err(), "the tab is gone")
	var none T
	return none
}

// point is a place on the screen.
type point struct{ X, Y float64 }

// presses clicks with the mouse on the link or the button that begins with a text.
func (v *visitor) presses(text string) {
	v.t.Helper()
	var middle *point
	v.waits("something to press: "+text, func() bool {
		middle = evaluate[*point](v, fmt.Sprintf(find, quoted(text)))
		return middle != nil
	})
	require.NoError(v.t, chromedp.Do(v.ctx, chromedp.MouseClickXY(middle.X, middle.Y)))
}

const find = `(() => {
	const wanted = [...document.querySelectorAll("a, button")].find(e => e.textContent.trim().startsWith(%s));
	if (!wanted) { return null; }
	wanted.scrollIntoView({block: "center", behavior: "instant"});
	const box = wanted.getClientRects()[0];
	return {X: box.x + box.width / 2, Y: box.y + box.height / 2};
})()`

// reads returns the text of the element with an ID, or "".
func (v *visitor) reads(id string) string {
	v.t.Helper()
	return evaluate[string](v, fmt.Sprintf(`document.getElementById(%s)?.textContent ?? ""`, quoted(id)))
}

// readsAll returns all text on the page.
func (v *visitor) readsAll() string {
	v.t.Helper()
	return evaluate[string](v, `document.body.innerText`)
}

// actions names what the page offers to press.
func (v *visitor) actions() []string {
	v.t.Helper()
	return evaluate[[]string](v, `[...document.querySelectorAll("main a, main button")].map(e => e.textContent.trim())`)
}

// writes types a text into the field with an ID.
func (v *visitor) writes(id, text string) {
	v.t.Helper()
	require.NoError(v.t, chromedp.Do(v.ctx, chromedp.SendKeys(chromedp.ID(id), text)))
}

// goesBack presses the browser's Back.
func (v *visitor) goesBack() {
	v.t.Helper()
	history, err := chromedp.Call(v.ctx, devpage.GetNavigationHistory, cdp.Empty{})
	require.NoError(v.t, err)
	require.Positive(v.t, history.CurrentIndex, "there is nothing to go back to")
	before := history.Entries[history.CurrentIndex-1]
	_, err = chromedp.Call(v.ctx, devpage.NavigateToHistoryEntry, devpage.NavigateToHistoryEntryParams{EntryID: before.ID})
	require.NoError(v.t, err)
}

func quoted(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always can be
	}
	return string(quoted)
}
