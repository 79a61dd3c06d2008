package browsertest

import "strings"

// page is one of the pages that people see, known by its heading.
type page struct {
	Heading string
	Banner  string // how it begins, where two pages have the same heading
	Status  int    // of HTTP; 0 means 200
	Plain   bool   // the page is a library's own and knows nothing of a demonstration: no banner
}

// The identity provider's pages.
var (
	homePage     = page{Heading: "Sign in to Microsoft 365 with the account you have"}
	choicePage   = page{Heading: "Who are you?"}
	progressPage = page{Heading: "Getting Microsoft 365 ready for you"}
	responsePage = page{Heading: "Taking you to Microsoft 365"}
	goodbyePage  = page{Heading: "You are signed out", Banner: "Demonstration"}

	noLicencePage = page{Heading: "Your account could not be set up", Status: 403}
	refusedPage   = page{Heading: "This link cannot be opened", Status: 400, Plain: true}
	noStartPage   = page{Heading: "This link cannot be opened", Status: 400}
	noRequestPage = page{Heading: "Start at Microsoft 365", Status: 400}
	overPage      = page{Heading: "This sign-in is over", Status: 400}
	nowherePage   = page{Heading: "This page does not exist", Status: 404}
)

// The pages of the simulated Microsoft 365.
var (
	requestPage   = page{Heading: "Taking you to your organization's sign-in page"}
	documentPage  = page{Heading: "SharePoint (simulated)"}
	addressPage   = page{Heading: "Sign in"}
	troublePage   = page{Heading: "Sorry, but we’re having trouble signing you in.", Status: 400}
	verdictPage   = page{Heading: "Sorry, but we’re having trouble signing you in.", Status: 403}
	signedOutPage = page{Heading: "You are signed out", Banner: "Simulated Microsoft 365"}
)

// is reports whether the browser shows this page, in full.
func (p page) is(seen view) bool {
	return seen.Ready && seen.Heading == p.Heading && strings.HasPrefix(seen.Banner, p.Banner)
}

func (p page) status() int {
	if p.Status == 0 {
		return 200
	}
	return p.Status
}
