package browsertest

import (
	"encoding/json"
	"slices"

	devpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// sight is the page with the steps at one moment.
type sight struct {
	Document  float64 `json:"document"` // tells one loading of the page from the next
	Steps     []step  `json:"steps"`
	Announced string  `json:"announced"` // in the live region
}

type step struct {
	State string `json:"state"`
	Text  string `json:"text"`
}

// watch tells of every change that the script of the page makes.
const watch = `addEventListener("DOMContentLoaded", () => {
	const steps = document.getElementById("steps"), live = document.querySelector("[aria-live=polite]");
	if (!steps || !live) { return; }
	const look = () => tell(JSON.stringify({
		document: performance.timeOrigin,
		steps: [...steps.children].map(e => ({state: e.className, text: e.textContent})),
		announced: live.textContent,
	}));
	look();
	new MutationObserver(look).observe(steps.parentNode, {childList: true, characterData: true, subtree: true});
})`

// watchesProgress begins to note what the page with the steps shows, from the next page on.
func (v *visitor) watchesProgress() {
	v.t.Helper()
	_, err := chromedp.Call(v.ctx, runtime.AddBinding, runtime.AddBindingParams{Name: "tell"})
	require.NoError(v.t, err)
	_, err = chromedp.Call(v.ctx, devpage.AddScriptToEvaluateOnNewDocument,
		devpage.AddScriptToEvaluateOnNewDocumentParams{Source: watch})
	require.NoError(v.t, err)
}

// progressSeen returns what was noted so far.
func (v *visitor) progressSeen() []sight {
	v.t.Helper()
	var seen []sight
	for _, told := range v.did.whatWasTold() {
		var s sight
		require.NoError(v.t, json.Unmarshal([]byte(told), &s))
		seen = append(seen, s)
	}
	return seen
}

// has reports whether the page showed this step, in this state.
func (s sight) has(text string) bool {
	return slices.ContainsFunc(s.Steps, func(shown step) bool { return shown.Text == text })
}
