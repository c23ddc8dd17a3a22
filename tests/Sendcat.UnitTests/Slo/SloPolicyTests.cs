using System.Text.Json.Nodes;
using Sendcat.Reliability.Slo;
using Sendcat.UnitTests.Architecture;

namespace Sendcat.UnitTests.Slo;

/// <summary>The policy file: its numbers, and what is not accepted.</summary>
public sealed class SloPolicyTests
{
    private const string Burn = "\"rate\":1,\"severity\":\"page\",\"minRequests\":1,\"minFailures\":1";

    private static string File =>
        System.IO.File.ReadAllText(Path.Combine(Repository.Root, "Sendcat.Reliability", "Slo", "slo-policy.json"));

    [Fact]
    public void The_tiers_are_those_of_the_contract()
    {
        var tiers = SloPolicy.Default.Tiers;

        Assert.Equal(new(1_000, 0.995, 0.95, 0.01, 0.04, 3_000, 20_000), tiers["L"]);
        Assert.Equal(new(5_000, 0.999, 0.95, 0.005, 0.04, 2_500, 18_000), tiers["G"]);
        Assert.Equal(new(20_000, 0.9995, 0.95, 0.003, 0.05, 2_000, 15_000), tiers["X"]);
        Assert.Equal(30, SloPolicy.Default.BudgetDays);
    }

    [Theory]
    [InlineData("default", "L")]
    [InlineData("L", "L")]
    [InlineData("G", "G")]
    [InlineData("X", "X")]
    public void The_capacity_tier_selects_the_objectives(string capacity, string tier) =>
        Assert.Equal(tier, SloPolicy.Default.TierOf(capacity));

    [Fact]
    public void Every_endpoint_has_its_objectives_levels_and_owner()
    {
        Assert.Equal(
            [
                "/api/chat availability 0.999  chat-runtime",
                "/api/chat first_token 0.95 2500 chat-runtime",
                "/api/chat completion 0.95 18000 chat-runtime",
                "/api/gmail/push availability 0.999  integrations-gmail",
                "/api/gmail/push acknowledgement 0.95 1500 integrations-gmail",
                "/api/whatsapp/webhook availability 0.999  integrations-whatsapp",
                "/api/whatsapp/webhook acknowledgement 0.95 1500 integrations-whatsapp",
            ],
            SloPolicy.Default.Objectives("G").Select(objective => FormattableString.Invariant(
                $"{objective.Name} {objective.Target} {objective.ThresholdMs} {objective.Owner.Primary}")));
        Assert.Equal(new SloEndpoint(new(10_000, 0.03), new(12_000, 0.05)), SloPolicy.Default.Endpoints["/api/chat"]);
        Assert.Equal(new SloEndpoint(new(1_200, 0.005), new(1_500, 0.01), 1_500), SloPolicy.Default.Endpoints["/api/whatsapp/webhook"]);
    }

    [Theory]
    [InlineData("/api/whatsapp/webhook", "integrations-whatsapp", "reliability-platform")]
    [InlineData("snapshot:open_circuits", "reliability-platform", "chat-runtime")]
    [InlineData("snapshot:tool_jobs_failed", "chat-runtime", "reliability-platform")]
    [InlineData("anything else", "reliability-platform", "sendcat-oncall")]
    public void Endpoints_and_checks_have_owners(string name, string primary, string secondary) =>
        Assert.Equal(new SloOwner(primary, secondary), SloPolicy.Default.OwnerOf(name));

    [Fact]
    public void The_burn_rates_and_windows_are_those_of_the_contract() =>
        Assert.Equal(
            [(14.4, 60, 5), (6, 360, 30), (3, 1440, 120), (1, 4320, 360)],
            SloPolicy.Default.BurnAlerts.Select(alert => (alert.Rate, alert.LongMinutes, alert.ShortMinutes)));

    [Theory]
    [InlineData("defaultTier", "\"M\"", "defaultTier M is not a tier")]
    [InlineData("budgetDays", "0", "budgetDays must be between 1 and 90")]
    [InlineData("owners", "{}", "owners has no default")]
    [InlineData("budgetDay", "30", "budgetDay")]
    [InlineData("tiers.L.availability", "1", "tiers.L.availability must be between 0 and 1")]
    [InlineData("tiers.L.p95FirstTokenMs", "2999", "tiers.L.p95FirstTokenMs must be one of")]
    [InlineData("endpoints./api/chat.critical.p95Ms", "1", "endpoints./api/chat.critical.p95Ms must be one of")]
    [InlineData("endpoints./api/gmail/push.p95AcknowledgementMs", "\"1500\"", "p95AcknowledgementMs")]
    [InlineData("burnAlerts", $$"""[{{{Burn}},"longMinutes":60,"shortMinutes":60}]""", "must be shorter")]
    [InlineData("burnAlerts", $$"""[{{{Burn}},"longMinutes":60,"shortMinutes":0}]""", "a window of 0 minutes")]
    [InlineData("absoluteAlerts", """[{"minutes":3,"failureRate":0.9,"severity":"loud","minFailures":1}]""", "severity")]
    public void A_wrong_policy_is_refused_with_the_place(string at, string value, string problem)
    {
        var policy = JsonNode.Parse(File)!;
        var names = at.Split('.');
        var parent = names[..^1].Aggregate(policy, (node, name) => node[name]!);
        parent[names[^1]] = JsonNode.Parse(value);

        var refused = Assert.Throws<FormatException>(() => SloPolicy.Parse(policy.ToJsonString()));

        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[")]
    public void Text_that_is_no_policy_is_refused(string json) => Assert.Throws<FormatException>(() => SloPolicy.Parse(json));
}
