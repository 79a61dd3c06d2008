package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// AdoptionPlan is what [Adoption.Apply] would do. It is plain data: it survives JSON, and can be looked at, stored, and
// shortened, before it is applied.
type AdoptionPlan struct {
	Domain  string
	At      time.Time      // when the users had been read
	Items   []AdoptionItem // of all users of the domain, in the order of their UPNs
	Unknown []string       // UPNs of the table that no user of the domain has
}

// AdoptionItem is what is planned for one user.
type AdoptionItem struct {
	ObjectID string
	UPN      string
	Have     string // the ImmutableID that the user has; empty for none
	Want     string // the one that the rules choose; empty where they choose none
	Action   AdoptionAction
	Problem  string `json:",omitempty"` // why the user is left as they are
}

// AdoptionAction is what happens to a user.
type AdoptionAction string

// The actions.
const (
	AdoptSet     AdoptionAction = "set"     // there is none: it is set
	AdoptReplace AdoptionAction = "replace" // there is another one: it is replaced
	AdoptKeep    AdoptionAction = "keep"    // it is there already
	AdoptLeave   AdoptionAction = "leave"   // nothing can or may be done: Problem says why
)

// changes reports whether the user is to be changed.
func (i AdoptionItem) changes() bool { return i.Action == AdoptSet || i.Action == AdoptReplace }

// String is the plan for people to read: how many users of each kind, and each of those who are not fine already.
func (p AdoptionPlan) String() string {
	counts := make(map[AdoptionAction]int)
	for _, item := range p.Items {
		counts[item.Action]++
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d users: set %d, replace %d, keep %d, leave %d\n", p.Domain, len(p.Items), counts[AdoptSet],
		counts[AdoptReplace], counts[AdoptKeep], counts[AdoptLeave])
	for _, item := range p.Items {
		switch item.Action {
		case AdoptSet:
			fmt.Fprintf(&b, "  set      %s: %q\n", item.UPN, item.Want)
		case AdoptReplace:
			fmt.Fprintf(&b, "  replace  %s: %q becomes %q\n", item.UPN, item.Have, item.Want)
		case AdoptLeave:
			fmt.Fprintf(&b, "  leave    %s: %s\n", item.UPN, item.Problem)
		}
	}
	for _, upn := range p.Unknown {
		fmt.Fprintf(&b, "  unknown  %s: in the table, and no user of the domain\n", upn)
	}
	return b.String()
}

// Validate reports what a plan that came from elsewhere must not have: a user twice, an ImmutableID that Entra refuses
// or that two users would get, a user of another domain. The error lists all of it.
func (p AdoptionPlan) Validate() error {
	problems := []error{validateDomain(p.Domain)}
	users, wanted := make(map[string]bool), make(map[string]string)
	for _, item := range p.Items {
		bad := func(format string, args ...any) {
			problems = append(problems, fmt.Errorf("%q: "+format, append([]any{item.UPN}, args...)...))
		}
		if item.ObjectID == "" || users[item.ObjectID] {
			bad("its object ID %q is empty or another item's", item.ObjectID)
		}
		users[item.ObjectID] = true
		if !(AdoptionRules{Domain: p.Domain}).in(item.UPN) {
			bad("it is not in the domain %s", p.Domain)
		}
		if !slices.Contains([]AdoptionAction{AdoptSet, AdoptReplace, AdoptKeep, AdoptLeave}, item.Action) {
			bad("the action %q does not exist", item.Action)
		}
		if !item.changes() {
			continue
		}
		if err := ValidateImmutableID(item.Want); err != nil {
			bad("%w", err)
		}
		folded := strings.ToLower(item.Want)
		if other, ok := wanted[folded]; ok {
			bad("%q would get the same ImmutableID", other)
		}
		wanted[folded] = item.UPN
		if (item.Have == "") != (item.Action == AdoptSet) || item.Have == item.Want {
			bad("the action %q does not fit the ImmutableID %q", item.Action, item.Have)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("provision: bad adoption plan: %w", err)
	}
	return nil
}

// Plan reads all users of the tenant and says what is to be done with those of the domain. It changes nothing.
//
// A user is left as they are if a directory sync owns them, if the rules give no ImmutableID or a bad one, if two users
// would get the same, if somebody in the tenant has it already, or if they have another one and the rules do not say
// Replace. ImmutableIDs that differ in case only are taken for the same here, since nobody could tell whom they sign
// in. That an ImmutableID belongs to a deleted user, or that a user holds an administrator's role, which needs more
// rights, is not known before it is applied.
func (a *Adoption) Plan(ctx context.Context) (AdoptionPlan, error) {
	plan := AdoptionPlan{Domain: a.rules.Domain}
	holders := make(map[string][]string) // object IDs, by what they have
	unknown := maps.Clone(a.table)
	err := a.eachUser(ctx, func(u User) {
		if u.ImmutableID != "" {
			folded := strings.ToLower(u.ImmutableID)
			holders[folded] = append(holders[folded], u.ObjectID)
		}
		if a.rules.in(u.UserPrincipalName) {
			delete(unknown, strings.ToLower(u.UserPrincipalName))
			plan.Items = append(plan.Items, a.item(u))
		}
	})
	if err != nil {
		return AdoptionPlan{}, fmt.Errorf("provision: planning the adoption: %w", err)
	}
	slices.SortFunc(plan.Items, func(a, b AdoptionItem) int {
		return strings.Compare(strings.ToLower(a.UPN), strings.ToLower(b.UPN))
	})
	plan.leaveClashes(holders)
	plan.Unknown = slices.Sorted(maps.Keys(unknown))
	plan.At = a.p.now().UTC().Truncate(time.Microsecond)
	return plan, nil
}

// eachUser reads all users, each once.
func (a *Adoption) eachUser(ctx context.Context, each func(User)) error {
	met := make(map[string]bool)
	for cursor := ""; ; {
		page, err := a.users(ctx, cursor)
		if err != nil {
			return err
		}
		for _, u := range page.Users {
			if u.ObjectID != "" && !met[u.ObjectID] { // one who changes meanwhile may be on two pages
				met[u.ObjectID] = true
				each(u)
			}
		}
		switch page.Next {
		case "":
			return nil
		case cursor:
			return errors.New("a page of the directory's list of users leads to itself")
		}
		cursor = page.Next
	}
}

func (a *Adoption) users(ctx context.Context, cursor string) (page UserPage, err error) {
	r, ctx, end := a.p.background(ctx, stepAdopt)
	defer end()
	err = r.retry(ctx, opListUsers, reading, temporary, func(ctx context.Context) (err error) {
		page, err = a.lists.ListUsers(ctx, cursor)
		return err
	})
	return page, err
}

// item is what the rules say of one user alone.
func (a *Adoption) item(u User) AdoptionItem {
	item := AdoptionItem{ObjectID: u.ObjectID, UPN: u.UserPrincipalName, Have: u.ImmutableID}
	value := strings.TrimSpace(a.rules.Source(u))
	if value == "" {
		return item.leave("the source has no value for the user")
	}
	id, err := a.rules.ImmutableID(value)
	if err == nil {
		err = ValidateImmutableID(id)
	}
	if err != nil {
		return item.leave(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	item.Want = id
	switch {
	case item.Have == id:
		item.Action = AdoptKeep
		return item
	case u.DirectorySynced:
		return item.leave("a directory sync owns the user: change it where the sync takes it from")
	case item.Have == "":
		item.Action = AdoptSet
		return item
	case !a.rules.Replace:
		return item.leave(fmt.Sprintf("the user has another ImmutableID, %q, and the rules do not say Replace", item.Have))
	}
	item.Action = AdoptReplace
	return item
}

func (i AdoptionItem) leave(problem string) AdoptionItem {
	i.Action, i.Problem = AdoptLeave, problem
	return i
}

// leaveClashes leaves the users alone whose ImmutableID somebody else has or would get.
func (p *AdoptionPlan) leaveClashes(holders map[string][]string) {
	wanting := make(map[string][]string) // UPNs, by what they would get or keep
	for _, item := range p.Items {
		if item.changes() || item.Action == AdoptKeep {
			folded := strings.ToLower(item.Want)
			wanting[folded] = append(wanting[folded], item.UPN)
		}
	}
	for i, item := range p.Items {
		if !item.changes() {
			continue
		}
		folded := strings.ToLower(item.Want)
		others := slices.DeleteFunc(slices.Clone(holders[folded]), func(id string) bool { return id == item.ObjectID })
		switch {
		case len(others) > 0:
			p.Items[i] = item.leave(fmt.Sprintf("the ImmutableID %q belongs to the user %s already", item.Want, others[0]))
		case len(wanting[folded]) > 1:
			p.Items[i] = item.leave(fmt.Sprintf("%d users would get the ImmutableID %q: %.500s", len(wanting[folded]),
				item.Want, strings.Join(wanting[folded], ", ")))
		}
	}
}
