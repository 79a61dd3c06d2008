package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// idpHost is where the identity provider stands when all happens in this process.
const idpHost = "id.contoso.com"

// runOnce signs one person in without a browser. Everything has its real address: the hosts of Microsoft are answered
// by the simulated tenant in this process, and no socket is opened.
func runOnce(ctx context.Context, o options, stdout, stderr io.Writer) error {
	diary := newDiary(stdout, o.json)
	graph, err := openDump(o.dump)
	if err != nil {
		return fmt.Errorf("-dump: %w", err)
	}
	w, err := newWorld(ctx, setting{
		Origin: "https://" + idpHost, Lag: lags[o.lag], Seed: o.chosenSeed(), Logger: o.logger(stderr),
		Notice: diary.provisioning, StateDir: o.state, Graph: graph,
	})
	if err != nil {
		return err
	}
	defer w.close(context.WithoutCancel(ctx))
	w.tenant.Mount(idpHost, w.handler)
	who, err := find(w.actors, o.person)
	if err != nil {
		return err
	}

	diary.begin("%s opens %s", who.Title, w.smartLink())
	outcome := w.signIn(ctx, who, diary)
	if o.dump != "" {
		if err := errors.Join(w.dump(o.dump, outcome, diary), graph.Close()); err != nil {
			return err
		}
	}
	if o.json {
		if err := document.Print(stdout, summarise(w, outcome, diary)); err != nil {
			return err
		}
	}
	return outcome.err
}

// outcome is what one sign-in came to.
type outcome struct {
	person       string
	authnRequest string // as posted, base64
	samlResponse string // as posted, base64
	upn          string // whom the simulated Microsoft 365 says has signed in
	immutableID  string
	err          error
}

// signIn walks from the smart link to the document.
func (w *world) signIn(ctx context.Context, who actor, diary *diary) outcome {
	out := outcome{person: who.Name}
	browser := entratest.NewBrowser(w.tenant.Transport())
	browser.OnPage = func(page entratest.Page) (entratest.Action, error) { return choose(page, who) }
	browser.Observe = func(page entratest.Page) { w.observe(page, &out, diary) }
	page, err := browser.Open(ctx, w.smartLink())
	if err != nil {
		out.err = err
		return out
	}
	out.upn, out.err = w.arrived(page)
	if out.err != nil {
		diary.note("stopped", "%s", strings.Join(strings.Fields(page.Title), " "))
		return out
	}
	for _, user := range w.tenant.Users() {
		if user.UPN == out.upn {
			out.immutableID = user.ImmutableID
		}
	}
	diary.note("signed in", "Microsoft 365 (simulated) says: %s", out.upn)
	return out
}

// choose says who one is where the identity provider asks, and stops elsewhere.
func choose(page entratest.Page, who actor) (entratest.Action, error) {
	at, err := url.Parse(page.URL)
	if err != nil || at.Host != idpHost || at.Path != "/login" {
		return entratest.Stop(), err
	}
	for _, form := range page.Forms {
		for _, button := range form.Buttons {
			if button.Name == "person" && button.Value == who.Name {
				return page.Click(button.Text)
			}
		}
	}
	return entratest.Action{}, fmt.Errorf("the sign-in page does not offer %q", who.Name)
}

// observe notes what passes by, and keeps the two messages.
func (w *world) observe(page entratest.Page, out *outcome, diary *diary) {
	for _, form := range page.Forms {
		for _, field := range form.Fields {
			switch field.Name {
			case "SAMLRequest":
				out.authnRequest = field.Value
				diary.note("authnrequest", "Microsoft asks %s", form.Action)
			case "SAMLResponse":
				out.samlResponse = field.Value
				diary.note("response", "the identity provider answers %s", form.Action)
			}
		}
	}
	if at, err := url.Parse(page.URL); err == nil && at.Host == idpHost && at.Path == "/login" && page.Status == http.StatusOK {
		diary.note("sign-in", "the identity provider asks who is there")
	}
}

// arrived reads from the document's page who is signed in there.
func (w *world) arrived(page entratest.Page) (string, error) {
	if !strings.HasPrefix(page.URL, w.deepLink()) || page.Status != http.StatusOK {
		return "", fmt.Errorf("nobody was signed in: the way ended at %s with %d, %q", page.URL, page.Status, page.Title)
	}
	named := principalName.FindStringSubmatch(page.Body)
	if named == nil {
		return "", errors.New("the document opened, but its page does not say who is signed in")
	}
	return html.UnescapeString(named[1]), nil
}

// principalName finds the name on a page of the simulated Microsoft 365.
var principalName = regexp.MustCompile(`<dd id="upn">([^<]+)</dd>`)

func (o options) chosenSeed() uint64 {
	if o.seed != 0 {
		return o.seed
	}
	return rand.Uint64()
}

// diary prints each step as it happens and remembers how long it took.
type diary struct {
	out   io.Writer
	start time.Time

	mu      sync.Mutex
	started map[string]time.Time
	steps   []step
}

// step is one line of the diary.
type step struct {
	Name         string  `json:"name"`
	Milliseconds float64 `json:"ms"` // it took, or from the beginning for a single moment
}

func newDiary(out io.Writer, quiet bool) *diary {
	if quiet {
		out = io.Discard
	}
	return &diary{out: out, start: time.Now(), started: map[string]time.Time{}}
}

func (d *diary) begin(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.start = time.Now()
	fmt.Fprintf(d.out, format+"\n", args...)
}

// note records a moment.
func (d *diary) note(name, format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	since := time.Since(d.start)
	d.steps = append(d.steps, step{name, milliseconds(since)})
	fmt.Fprintf(d.out, "%8.3fs  %-13s %s\n", since.Seconds(), name, fmt.Sprintf(format, args...))
}

// provisioning records a step of the pipeline when it ends.
func (d *diary) provisioning(e provision.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	switch e.State {
	case provision.Started:
		d.started[e.Step] = now
	case provision.Done, provision.Skipped, provision.Failed:
		took := now.Sub(d.started[e.Step])
		d.steps = append(d.steps, step{e.Step, milliseconds(took)})
		fmt.Fprintf(d.out, "%8.3fs  %-13s %s (%s, took %.3fs)\n", now.Sub(d.start).Seconds(), e.Step, e.Message, e.State,
			took.Seconds())
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (d *diary) all() []step {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]step(nil), d.steps...)
}
