package browsertest

import (
	"testing"

	"github.com/chromedp/cdproto/network"
	devpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// showcase is a running internal/showcase: the bridge's pages in several dresses.
type showcase struct{ home string }

func startShowcase(t *testing.T) showcase {
	t.Helper()
	needChromium(t)
	return showcase{readAddress(t, startProgram(t, stage.showcase, "-addr", "127.0.0.1:0"), "Open")}
}

// scene is where a sign-in begins that stops at a page.
func (s showcase) scene(dress, name string) string {
	return s.home + "/" + dress + "/start?login_hint=" + name
}

// address is another page of a dress.
func (s showcase) address(dress, path string) string { return s.home + "/" + dress + path }

// The showcase's pages. They are nobody's demonstration, so there is no banner.
var (
	formPage    = page{Heading: "Sign in to go on to Microsoft 365", Plain: true}
	stepsPage   = page{Heading: "Getting Microsoft 365 ready for you", Plain: true}
	leavingPage = page{Heading: "Taking you to Microsoft 365", Plain: true}
	arrivedPage = page{Heading: "Microsoft 365 would be here", Plain: true}
	waitingPage = page{Heading: "This takes longer than usual", Status: 503, Plain: true}
)

// speaks makes the browser ask for a language.
func (v *visitor) speaks(language string) {
	v.t.Helper()
	_, err := chromedp.Call(v.ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{
		Headers: network.Headers{"Accept-Language": language},
	})
	require.NoError(v.t, err)
}

// sendsNoForms keeps pages from sending their forms by themselves, so that they stay.
func (v *visitor) sendsNoForms() {
	v.t.Helper()
	_, err := chromedp.Call(v.ctx, devpage.AddScriptToEvaluateOnNewDocument,
		devpage.AddScriptToEvaluateOnNewDocumentParams{Source: `HTMLFormElement.prototype.submit = function () {}`})
	require.NoError(v.t, err)
}
