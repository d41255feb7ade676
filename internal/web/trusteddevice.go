package web

import (
	"time"

	"github.com/twofold-auth/twofold/internal/auth"
)

// DeviceView is a browser that is trusted or stays signed in, as shown on pages.
type DeviceView struct {
	ID, Name, Address    string
	Added, Seen, Expires time.Time
	Current              bool
	Stays                bool // stays signed in; otherwise it skips the second factor
	Action               string
}

// DevicesPage is the data of "tf_devices".
type DevicesPage struct {
	Devices []DeviceView
	Stay    bool   // browsers may stay signed in
	Action  string // target of the button "all"
	Pager   Pager
}

// devicesSection adds the list to the account page, if browsers can be trusted or stay signed in.
func (s secondFactorSteps) devicesSection(c *call) (part, error) {
	list, err := s.c.Login.SecondFactor.DevicesOf(c.r.Context(), *c.who, c.browser)
	return part{page: func(p *AccountPage) {
		p.Devices = s.devicesPage(firstPage(s.paths.Devices, list))
		p.Trusts = s.c.TrustLife > 0 || s.c.RememberFor > 0 || len(list) > 0
	}}, err
}

func (s secondFactorSteps) devicesPage(list []auth.Device, pager Pager) DevicesPage {
	page := DevicesPage{Action: s.paths.Devices, Stay: s.c.RememberFor > 0, Pager: pager}
	for _, d := range list {
		page.Devices = append(page.Devices, DeviceView{
			ID: d.ID, Name: d.Name, Address: d.Address, Added: d.CreatedAt, Seen: d.LastSeenAt, Expires: d.ExpiresAt,
			Current: d.Current, Stays: d.RememberMe, Action: s.paths.Devices + "/" + d.ID,
		})
	}
	return page
}

// devicesBody is the JSON of the list.
type devicesBody struct {
	common
	Devices []deviceBody `json:"devices"`
	Paging  *pagingBody  `json:"paging,omitempty"`
}

type deviceBody struct {
	ID       string  `json:"id"`
	Name     string  `json:"name"`
	Address  string  `json:"address"`
	Created  *string `json:"created"`
	LastSeen *string `json:"last_seen"`
	Expires  *string `json:"expires"`
	Current  bool    `json:"current"`
	Stays    bool    `json:"stays"`
}

func (s secondFactorSteps) getDevices(c *call) (*answer, error) {
	list, err := s.c.Login.SecondFactor.DevicesOf(c.r.Context(), *c.who, c.browser)
	if err != nil {
		return nil, err
	}
	back := s.session.listed(s.paths.Devices)
	if ask, ok := askRemoval(c, "devices", everyEntry, ""); ok {
		ask.Action, ask.Back = s.paths.Devices, back
		return removal(ask), nil
	}
	for _, d := range list {
		kind := "device"
		if d.RememberMe {
			kind = "staying"
		}
		if ask, ok := askRemoval(c, kind, d.ID, d.Name); ok {
			ask.Action, ask.Back = s.paths.Devices+"/"+d.ID, back
			return removal(ask), nil
		}
	}
	list, pager, err := paged(c, s.paths.Devices, list)
	if err != nil {
		return nil, err
	}
	return &answer{
		json: func() response {
			body := &devicesBody{Devices: []deviceBody{}, Paging: pager.body()}
			for _, d := range list {
				body.Devices = append(body.Devices, deviceBody{
					ID: d.ID, Name: d.Name, Address: d.Address, Created: stamp(d.CreatedAt),
					LastSeen: stamp(d.LastSeenAt), Expires: stamp(d.ExpiresAt), Current: d.Current, Stays: d.RememberMe,
				})
			}
			return body
		},
		page: "tf_devices", view: func() any { return s.devicesPage(list, pager) },
	}, nil
}

// endDevices revokes all trusted browsers, or the one in the path.
func (s secondFactorSteps) endDevices(c *call) (*answer, error) {
	if err := s.c.Login.SecondFactor.RevokeDevice(c.r.Context(), *c.who, c.token, c.browser); err != nil {
		return nil, s.session.listError(c, err, s.paths.Devices)
	}
	note := "DEVICE_REVOKED"
	if c.token == "" {
		note = "DEVICES_REVOKED"
	}
	return &answer{to: s.session.listed(s.paths.Devices), note: note}, nil
}
