using System.Net;
using System.Security.Cryptography;
using System.Text;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Shopping.Affiliate;

namespace Sendcat.ContractTests.Shopping;

public sealed class AffiliateTests(PostgresFixture postgres)
{
    private static readonly Dictionary<string, string> Settings = new()
    {
        ["EPN_CAMPID"] = "5338", ["EPN_MKCID"] = "1", ["EPN_MKRID"] = "711-53200-19255-0", ["EPN_TOOLID"] = "10001", ["EPN_MKEVT"] = "1",
        ["EPN_CUSTOMID_SALT"] = "salt",
    };

    [Fact]
    public async Task Callers_get_the_affiliate_parameters_with_a_salted_hash_as_custom_id()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new(Settings));
        var (user, tokens) = await api.UserAsync();

        var tag = await (await user.GetAsync("/api/shopping/affiliate")).JsonAsync();
        var guest = await api.GuestAsync();
        var guests = await (await guest.GetAsync("/api/shopping/affiliate")).JsonAsync();
        var held = Assert.Single(guest.DefaultRequestHeaders.GetValues("x-sendcat-session"));
        var me = (string)(await (await user.GetAsync("/api/auth/me")).JsonAsync())["id"]!;

        Assert.NotNull(tokens);
        Assert.Equal(
            ("5338", "1", "711-53200-19255-0", "10001", "1"),
            ((string)tag["campid"]!, (string)tag["mkcid"]!, (string)tag["mkrid"]!, (string)tag["toolid"]!, (string)tag["mkevt"]!));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"salt:{me}"))), (string)tag["customid"]!);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"salt:{held}"))), (string)guests["customid"]!);
    }

    [Theory]
    [InlineData("EPN_CAMPID")]
    [InlineData("EPN_MKCID")]
    [InlineData("EPN_MKRID")]
    [InlineData("EPN_TOOLID")]
    [InlineData("EPN_MKEVT")]
    public async Task A_missing_affiliate_setting_disables_tagging(string missing)
    {
        await using var api = await SendcatApi.StartAsync(postgres, new(Settings) { [missing] = "" });
        var guest = await api.GuestAsync();

        using var tag = await guest.GetAsync("/api/shopping/affiliate");
        var link = await (await guest.GetAsync("/api/shopping/affiliate/link?url=https%3A%2F%2Fwww.ebay.com%2Fitm%2F1")).JsonAsync();

        Assert.Equal(HttpStatusCode.NoContent, tag.StatusCode);
        Assert.Equal("https://www.ebay.com/itm/1", (string)link["url"]!);
    }

    [Fact]
    public async Task A_link_is_tagged_and_an_invalid_one_is_rejected()
    {
        await using var api = await SendcatApi.StartAsync(postgres, new(Settings) { ["EPN_CUSTOMID_SALT"] = "" });
        var guest = await api.GuestAsync();

        var link = await (await guest.GetAsync("/api/shopping/affiliate/link?url=https%3A%2F%2Fwww.ebay.com%2Fitm%2F1")).JsonAsync();

        Assert.Equal("https://www.ebay.com/itm/1?mkevt=1&mkcid=1&mkrid=711-53200-19255-0&campid=5338&toolid=10001", (string)link["url"]!);
        foreach (var url in new[]
        {
            "", "kettle", "javascript%3Aalert(1)", "%2Fitm%2F1", $"https%3A%2F%2Febay.com%2F{new string('a', 2_048)}",
        })
        {
            await (await guest.GetAsync($"/api/shopping/affiliate/link?url={url}"))
                .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        }

        await (await api.Anyone.GetAsync("/api/shopping/affiliate")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Theory]
    [InlineData("https://www.ebay.com/itm/1", true)]
    [InlineData("http://ebay.co.uk/itm/1", true)]
    [InlineData("https://m.ebay.de/x", true)]
    [InlineData("https://EBAY.COM/x", true)]
    [InlineData("https://notebay.com/itm/1", false)]
    [InlineData("https://ebay.com.example.org/itm/1", false)]
    [InlineData("https://ebay.example/itm/1", false)]
    [InlineData("https://www.ebay.com@example.org/", false)]
    [InlineData("https://example.org/?u=https://www.ebay.com/itm/1", false)]
    [InlineData("ftp://www.ebay.com/itm/1", false)]
    public void Only_eBay_hosts_are_recognised_as_eBay(string link, bool isEbay) => Assert.Equal(isEbay, AffiliateTag.IsEbay(new(link)));

    [Fact]
    public void An_existing_affiliate_tag_is_replaced_and_the_rest_of_the_link_is_unchanged()
    {
        var options = new AffiliateOptions { CampaignId = "5338", ChannelId = "1", RotationId = "7", ToolId = "10001", EventKind = "1" };
        var tag = AffiliateTag.Of(options, new Principal(null, "guest"))!;

        Assert.Equal(
            "https://www.ebay.com/itm/1?var=5&x&mkevt=1&mkcid=1&mkrid=7&campid=5338&toolid=10001#top",
            tag.On(new("https://www.ebay.com/itm/1?campid=999&var=5&CustomId=me&x&mkevt=2#top")).AbsoluteUri);
    }
}
