package entratest

import (
	"slices"
	"strings"
	"time"
)

// Dynamic groups: https://learn.microsoft.com/entra/identity/users/groups-dynamic-membership. Whoever satisfies the
// group's rule is made a member some time after each change of the user or of the rule, as Config.Lag says, and whoever
// does not is a member no longer; what the group gives follows after that. Nobody else changes the members: what comes of
// an attempt is 403 (KelvinTegelaar/CIPP#468). That the tenant has the Entra ID P1 that such groups need is assumed.

const dynamicMembership = "DynamicMembership"

// membershipJob is the membership of a user in a dynamic group that is to be worked out; without a user, that of all.
type membershipJob struct {
	group, user string
	due         time.Time
}

func (e *entity) isOfType(groupType string) bool {
	return slices.ContainsFunc(e.list("groupTypes"), func(s string) bool { return strings.EqualFold(s, groupType) })
}

// paused reports whether the rule of a dynamic group is not followed for the time being. That it is where nothing was said
// is assumed.
func (e *entity) paused() bool {
	return strings.EqualFold(e.text("membershipRuleProcessingState"), "Paused")
}

func validRule(value any) bool {
	_, ok := parseRule(value.(string))
	return ok
}

// checkRule refuses a dynamic group without a rule, and a rule of another group. That these are errors is assumed.
func (e *entity) checkRule() *graphError {
	if e.isOfType(dynamicMembership) != (e.text("membershipRule") != "") {
		return groupClass.errInvalidValue("membershipRule")
	}
	return nil
}

// checkManual refuses to change the members of a dynamic group.
func (e *entity) checkManual() *graphError {
	if e.isOfType(dynamicMembership) {
		return errForbidden()
	}
	return nil
}

// queueMemberships has the memberships of a user in all dynamic groups worked out. The caller holds t.mu.
func (t *Tenant) queueMemberships(user string) {
	for _, group := range t.dynamicGroups {
		t.queueMembership(group, user)
	}
}

// queueMembership has the membership in a dynamic group worked out for one user, or for all users if user is empty. The
// caller holds t.mu.
func (t *Tenant) queueMembership(group, user string) {
	job := membershipJob{group: group, user: user, due: t.now().Add(t.cfg.Lag.at(t.memberships.share()))}
	i, _ := slices.BinarySearchFunc(t.membershipJobs, job, func(a, b membershipJob) int {
		if a.due.After(b.due) {
			return 1
		}
		return -1
	})
	t.membershipJobs = slices.Insert(t.membershipJobs, i, job)
}

// processMemberships does the jobs that are due, each as of its time. The caller holds t.mu.
func (t *Tenant) processMemberships() {
	for len(t.membershipJobs) > 0 && !t.membershipJobs[0].due.After(t.now()) {
		job := t.membershipJobs[0]
		t.membershipJobs = t.membershipJobs[1:]
		users := []string{job.user}
		if job.user == "" {
			users = t.directory.order
		}
		for _, id := range users {
			t.followRule(t.directory.primary(job.group), t.directory.primary(id), job.due)
		}
	}
}

// followRule makes a user a member of a dynamic group, or not, as the rule says. A deleted user stays what they were, for
// the case that they are restored. The caller holds t.mu.
func (t *Tenant) followRule(group, user *entity, at time.Time) {
	if group.paused() || user.class != userClass || !user.active() {
		return
	}
	rule, ok := parseRule(group.text("membershipRule"))
	l := link{group.id, user.id}
	if joins := ok && rule(user); joins != t.directory.links[l].last() {
		t.directory.connect(l, joins, at)
		t.queueLicenses(group.id, user.id, at)
	}
}
