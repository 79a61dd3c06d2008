package smartlink

import (
	"cmp"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"unicode"

	"github.com/entrafed/entrafed/internal/csp"
)

// HandlerConfig configures [NewHandler].
type HandlerConfig struct {
	// Policy says where links may lead. The zero Policy is that of the worldwide cloud.
	Policy Policy

	// Domain is the federated domain whose people sign in. Required.
	Domain string

	// DefaultTarget is where a request without to lands; it passes Policy.CheckTarget. Empty: Entra chooses.
	DefaultTarget string

	// LoginHint goes into the link when the request has no login_hint: the Domain again makes Entra ask when the
	// browser has a session of another tenant. Empty: none.
	LoginHint string

	// Home is where the page for refused links leads: an https URL, or a path on the same host that begins with a
	// single slash. Empty: the smart link to DefaultTarget.
	Home string

	// Wording is the text of the page for refused links. Zero: English.
	Wording Wording

	// Logger receives one record, at level Info, for each refused request. Nil discards them. Targets are logged
	// without their query, and login hints never.
	Logger *slog.Logger
}

// NewHandler returns a handler for start links, wherever it is mounted:
//
//	GET /go?to=https%3A%2F%2Fcontoso.sharepoint.com%2Fsites%2Fhr
//
// It answers 302 with the [LoginSRF] link to the target that to names, or to DefaultTarget if there is none. The
// optional login_hint is passed on. Other parameters are passed over.
//
// It redirects to nothing else. A to that Policy.CheckTarget refuses, that is given twice, or whose end cannot be told
// because it was not encoded, is answered 400 with a page that says so in plain language, names the host as text, and
// leads to Home. Methods other than GET and HEAD are answered 405. No answer may be cached, framed or sniffed.
//
// The error lists everything that is wrong with config. The handler is safe for concurrent use.
func NewHandler(config HandlerConfig) (http.Handler, error) {
	wording, wordingErr := config.Wording.orEnglish(config.Home != "")
	rules, policyErr := config.Policy.rules()
	if policyErr != nil {
		return nil, errors.Join(policyErr, wordingErr)
	}
	fallback := Link{Domain: config.Domain, Target: config.DefaultTarget, LoginHint: config.LoginHint}
	fallbackURL, linkErr := rules.build(fallback)
	if err := errors.Join(linkErr, checkHome(rules, config.Home), wordingErr); err != nil {
		return nil, err
	}
	return &handler{
		rules:    rules,
		fallback: fallback,
		page:     page{Wording: wording, Href: cmp.Or(config.Home, fallbackURL)},
		template: template.Must(template.New("refused").Parse(pageMarkup)),
		security: contentSecurityPolicy(),
		logger:   cmp.Or(config.Logger, slog.New(slog.DiscardHandler)),
	}, nil
}

func checkHome(r rules, home string) error {
	isPath := strings.HasPrefix(home, "/") && !strings.HasPrefix(home, "//") && !strings.Contains(home, `\`) &&
		!strings.ContainsFunc(home, unicode.IsControl)
	if home == "" || isPath {
		return nil
	}
	_, err := readAddress(home, addressRules{limit: maxBase, loopback: r.cloud.InsecureLoopback, ports: true})
	if err != nil {
		return err.in("Home", ErrBase)
	}
	return nil
}

type handler struct {
	rules    rules
	fallback Link // for requests that choose nothing
	page     page // for requests that are refused
	template *template.Template
	security string // the Content-Security-Policy
	logger   *slog.Logger
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	csp.ProtectAny(w.Header(), h.security, csp.NoReferrer) // the login hint in this address goes nowhere
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "This address is for opening in a browser.", http.StatusMethodNotAllowed)
		return
	}
	link, err := h.link(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	w.Header().Set("Location", link)
	w.WriteHeader(http.StatusFound)
}

// link builds the smart link that the request asks for.
func (h *handler) link(r *http.Request) (string, error) {
	start, err := h.rules.readRequest(r)
	if err != nil {
		return "", err
	}
	l := h.fallback
	if start.Target != "" {
		l.Target = start.Target
	}
	if start.LoginHint != "" {
		l.LoginHint = start.LoginHint
	}
	return h.rules.build(l)
}

func (h *handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	h.logger.InfoContext(r.Context(), "smart link refused", "path", r.URL.Path, "error", err)
	page := h.page
	page.Host = hostOf(readQuery(r.URL.RawQuery).get(parameterTarget))
	page.write(w, h.template)
}

// hostOf returns the host of a refused target if it is a plain name that can be shown, or "".
func hostOf(target string) string {
	u, err := readAddress(target, addressRules{limit: maxTarget, ports: true})
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
