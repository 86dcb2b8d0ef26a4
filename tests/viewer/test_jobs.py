"""The page of jobs: what waits and why, stopping and repeating, and that it does not change under a reader."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.inference.service import head_ct
from tests.jobs.hospital import tell_of
from tests.jobs.judging import asked
from tests.running import Platform
from tests.viewer.viewing import Viewing


def test_an_admin_sees_the_queue_and_acts_on_it(viewing: Viewing, platform: Platform) -> None:
    lost = head_ct("not stored")
    tell_of(platform, lost, asked=(asked(), asked("t1", "t1w-volumes", reasons=("12 images at least.",))))
    page = viewing.page
    page.goto("/console/jobs")
    expect(page.get_by_role("heading", name="AI jobs")).to_be_visible()
    ours = page.locator("#jobs tr", has_text="NOT STORED")  # other tests' studies have jobs, too
    row = ours.filter(has_text="ct-head")
    expect(row).to_contain_text("input_missing")
    expect(page.locator("#failures")).to_contain_text("input_missing")
    expect(page.locator("#failures")).to_contain_text("needs")
    expect(page.locator("#models")).to_contain_text("t1w-volumes")
    expect(page.locator("#service")).to_contain_text("The inference service answers")
    row.get_by_role("button", name="Retry").click()
    expect(row).to_contain_text("input_missing")
    page.locator("#state").select_option("not evaluable")
    expect(ours).to_have_count(1)
    expect(ours).to_contain_text("12 images at least.")
    page.locator("#state").select_option("all")
    expect(ours).to_have_count(2)
