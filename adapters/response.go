package adapters

import (
	"net/http"

	"github.com/entrafed/entrafed/saml"
)

// post answers the browser with a page that posts the response to Entra, as [saml.Response.Post] does, in the host's dress
// and the browser's language.
func (b *Bridge) post(w http.ResponseWriter, r *http.Request, response *saml.Response) {
	speech := b.pages.language(r)
	b.pages.write(w, http.StatusOK, PageResponse, view{
		Language: speech, Title: speech.say(msgResponseTitle), Response: response,
	})
}
