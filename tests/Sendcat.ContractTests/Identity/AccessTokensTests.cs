using System.Security.Claims;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Identity.Tokens;
using Sendcat.Integrations.Signing;

namespace Sendcat.ContractTests.Identity;

/// <summary>Access tokens: issue and validation, checked against the JWT library of Microsoft.</summary>
public sealed class AccessTokensTests
{
    private const string User = "0199b1a0-0000-7000-8000-000000000001";
    private static readonly Guid Family = Guid.Parse("0199b1a0-0000-7000-8000-0000000000fa");
    private readonly FakeTimeProvider _clock = new(
        DateTimeOffset.Parse("2026-11-23T12:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
    private readonly SymmetricSecurityKey _key = new(Encoding.UTF8.GetBytes(SendcatApi.SigningKey));

    [Fact]
    public void A_token_identifies_its_user_for_one_hour()
    {
        var token = Tokens().Issue(new(User, Family));

        Assert.Equal(new AccessGrant(User, Family), Tokens().Read(token));
        _clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal(new AccessGrant(User, Family), Tokens().Read(token));
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Null(Tokens().Read(token));
    }

    [Fact]
    public async Task The_JWT_library_accepts_issued_tokens()
    {
        var result = await new JsonWebTokenHandler().ValidateTokenAsync(Tokens().Issue(new(User, Family)), new()
        {
            IssuerSigningKey = _key,
            ValidIssuer = "sendcat",
            ValidateAudience = false,
            ValidAlgorithms = ["HS256"],
            LifetimeValidator = (_, expires, _, _) => expires > _clock.GetUtcNow().UtcDateTime,
        });
        Assert.True(result.IsValid, result.Exception?.Message);
        Assert.Equal(User, result.ClaimsIdentity.FindFirst("sub")?.Value);
    }

    [Fact]
    public void Tokens_that_the_JWT_library_signs_with_the_same_key_are_accepted() =>
        Assert.Equal(new AccessGrant(User, Family), Tokens().Read(SignedByLibrary(_key, SecurityAlgorithms.HmacSha256)));

    [Theory]
    [InlineData("another key that is also long enough to sign", "HS256", "sendcat", 30)]
    [InlineData(SendcatApi.SigningKey + " and some more of it, since HS512 asks for it", "HS512", "sendcat", 30)]
    [InlineData(SendcatApi.SigningKey, "HS256", "somebody else", 30)]
    [InlineData(SendcatApi.SigningKey, "HS256", "sendcat", -5)]
    public void A_token_with_another_key_algorithm_or_issuer_or_an_expired_one_is_rejected(
        string signedWith, string algorithm, string issuer, int minutes) =>
        Assert.Null(Tokens().Read(SignedByLibrary(new(Encoding.UTF8.GetBytes(signedWith)), algorithm, issuer, minutes)));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("...")]
    [InlineData("a.b.c")]
    [InlineData("ünïcödé.b.c")]
    public void A_malformed_token_is_rejected(string token) => Assert.Null(Tokens().Read(token));

    [Fact]
    public void A_token_with_one_changed_character_is_rejected()
    {
        var token = Tokens().Issue(new(User, Family));
        for (var index = 0; index < token.Length - 1; index++)
        {
            var changed = token.ToCharArray();
            changed[index] = changed[index] == 'A' ? 'B' : 'A';
            Assert.Null(Tokens().Read(changed));
        }

        Assert.Null(Tokens().Read(token.AsSpan(0, token.Length - 1)));
        Assert.Null(Tokens().Read(token + "A"));
        Assert.Null(Tokens().Read(new string('a', 5_000) + "." + token));
    }

    [Fact]
    public void A_token_without_a_valid_signature_is_rejected_for_every_alg_header()
    {
        static string Encoded(string json) => Base64UrlEncoder.Encode(json);
        var payload = Encoded($$"""{"iss":"sendcat","sub":"{{User}}","exp":4102444800}""");
        Assert.Null(Tokens().Read($"{Encoded("""{"alg":"none"}""")}.{payload}."));
        Assert.Null(Tokens().Read($"{Encoded("""{"alg":"none"}""")}.{payload}.{Encoded("x")}"));
        Assert.Null(Tokens().Read($"{Encoded("""{"alg":"HS256"}""")}.{payload}."));
    }

    [Theory]
    [InlineData("a.b.*******************************************")]
    [InlineData("a.b.éééééééééééééééééééééééééééééééééééééééééé=")]
    [InlineData("a.b.                                           ")]
    public void A_signature_with_characters_outside_base64url_is_rejected(string token) => Assert.Null(Tokens().Read(token));

    [Theory]
    [InlineData("""{"iss":"sendcat","sub":"u","exp":4102444800}""")]
    [InlineData("""{"iss":"sendcat","sub":"u","fam":null,"exp":4102444800}""")]
    [InlineData("""{"iss":"sendcat","sub":"u","fam":"x","exp":4102444800}""")]
    [InlineData("""{"iss":"sendcat","sub":"u","fam":"00000000-0000-0000-0000-000000000000","exp":4102444800}""")]
    [InlineData("""{"iss":"sendcat","sub":"\ud800","fam":"0199b1a0-0000-7000-8000-0000000000fa","exp":4102444800}""")]
    [InlineData("""{"iss":"sendcat","sub":"u","fam":"0199b1a0-0000-7000-8000-0000000000fa","exp":"soon"}""")]
    [InlineData("""["sendcat"]""")]
    [InlineData("""{"iss":""")]
    public void A_signed_token_without_a_family_or_with_a_malformed_payload_is_rejected(string payload) =>
        Assert.Null(Tokens().Read(Signed(payload)));

    [Fact]
    public void A_token_carries_whether_the_email_address_is_confirmed()
    {
        Assert.True(Tokens().Read(Tokens().Issue(new(User, Family)))!.Value.EmailConfirmed);
        Assert.False(Tokens().Read(Tokens().Issue(new(User, Family, EmailConfirmed: false)))!.Value.EmailConfirmed);
    }

    [Fact]
    public void Reading_a_token_allocates_at_most_200_bytes()
    {
        var tokens = Tokens();
        var token = tokens.Issue(new(User, Family));
        Assert.NotNull(tokens.Read(token));

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var n = 0; n < 1_000; n++)
        {
            tokens.Read(token);
        }

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1_000, 0, 200);
    }

    private static string Signed(string payload)
    {
        var signed = $"{Base64UrlEncoder.Encode("""{"alg":"HS256","typ":"JWT"}""")}.{Base64UrlEncoder.Encode(payload)}";
        var signature = System.Security.Cryptography.HMACSHA256.HashData(
            Encoding.UTF8.GetBytes(SendcatApi.SigningKey), Encoding.ASCII.GetBytes(signed));
        return $"{signed}.{Base64UrlEncoder.Encode(signature)}";
    }

    private AccessTokens Tokens() => new(SigningKeyOf(SendcatApi.SigningKey), _clock);

    private static SigningKey SigningKeyOf(string text) =>
        SigningKey.Load(
            new ConfigurationBuilder().AddInMemoryCollection([new("AUTH_SIGNING_KEY", text)]).Build(),
            new HostingEnvironment { EnvironmentName = "Production" });

    private string SignedByLibrary(SymmetricSecurityKey signingKey, string algorithm, string issuer = "sendcat", int minutes = 30)
    {
        var now = _clock.GetUtcNow().UtcDateTime;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Subject = new ClaimsIdentity([new Claim("sub", User), new Claim("fam", Family.ToString("D"))]),
            NotBefore = now.AddMinutes(-10),
            Expires = now.AddMinutes(minutes),
            SigningCredentials = new(signingKey, algorithm),
        });
    }
}
