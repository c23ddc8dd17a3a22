using System.Net;
using System.Net.Http.Json;

namespace Sendcat.ContractTests.Identity;

public sealed class ProfileTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    [Fact]
    public async Task A_guest_has_no_profile_until_one_is_written_and_other_guests_cannot_read_it()
    {
        var guest = await Api.GuestAsync();
        Assert.StartsWith(
            "[not_found:profiles.get]", await (await guest.GetAsync("/api/profile")).RefusedAsync(HttpStatusCode.NotFound, "not_found"),
            StringComparison.Ordinal);

        var address = new { streetAddress = "1 Hope Road", city = "Kingston", parish = "St. Andrew" };
        await (await guest.PutAsJsonAsync("/api/profile", new { fullName = "Guest", trn = "123-456-789", dob = 315_532_800_000, address }))
            .JsonAsync();
        var profile = await (await guest.GetAsync("/api/profile")).JsonAsync();

        Assert.Equal("123-456-789", (string)profile["trn"]!);
        Assert.Equal("Kingston", (string)profile["address"]!["city"]!);
        Assert.Null(profile["email"]);
        Assert.Equal(HttpStatusCode.NotFound, (await (await Api.GuestAsync()).GetAsync("/api/profile")).StatusCode);
    }

    [Fact]
    public async Task Concurrent_profile_writes_all_succeed_and_store_one_row()
    {
        var guest = await Api.GuestAsync();
        var name = $"{Guid.NewGuid():N}";
        var responses = await Task.WhenAll(
            Enumerable.Range(0, 6).Select(i => guest.PutAsJsonAsync("/api/profile", new { fullName = $"{name} {i}" })));
        Assert.All(responses, response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Equal(1, await Api.ScalarAsync<long>($"select count(*) from profiles where full_name like '{name} %'"));
    }

    [Theory]
    [InlineData("{\"email\":\"nobody\"}")]
    [InlineData("{\"trn\":\"123456789\"}")]
    [InlineData("{\"trn\":\"123-456-789\\n\"}")]
    [InlineData("{\"dob\":\"yesterday\"}")]
    [InlineData("{\"dob\":99999999999999}")]
    [InlineData("{\"fullName\":\"a\\u0000b\"}")]
    [InlineData("{\"address\":{\"city\":\"Kingston\"}}")]
    [InlineData("{\"address\":[]}")]
    public async Task An_invalid_profile_is_an_invalid_request(string body) =>
        await (await (await Api.GuestAsync()).PutAsync("/api/profile", body.AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
}
