using System.Security.Claims;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Sendcat.ApiService.Identity;

namespace Sendcat.ContractTests.Identity;

public sealed class AccessTokensTests
{
    private const string User = "0199b1a0-0000-7000-8000-000000000001";
    private static readonly Guid Family = Guid.Parse("0199b1a0-0000-7000-8000-0000000000fa");
    private readonly FakeTimeProvider clock = new(DateTimeOffset.Parse("2026-11-23T12:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
    private readonly SymmetricSecurityKey key = new(Encoding.UTF8.GetBytes(SendcatApi.SigningKey));

    [Fact]
    public void A_token_names_its_user_for_an_hour()
    {
        var token = Tokens().Issue(new(User, Family));

        Assert.Equal(new AccessGrant(User, Family), Tokens().Read(token));
        clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal(new AccessGrant(User, Family), Tokens().Read(token));
        clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Null(Tokens().Read(token));
    }

    [Fact]
    public async Task The_library_believes_our_tokens()
    {
        var result = await new JsonWebTokenHandler().ValidateTokenAsync(Tokens().Issue(new(User, Family)), new()
        {
            IssuerSigningKey = key,
            ValidIssuer = "sendcat",
            ValidateAudience = false,
            ValidAlgorithms = ["HS256"],
            LifetimeValidator = (_, expires, _, _) => expires > clock.GetUtcNow().UtcDateTime,
        });
        Assert.True(result.IsValid, result.Exception?.Message);
        Assert.Equal(User, result.ClaimsIdentity.FindFirst("sub")?.Value);
    }

    [Fact]
    public void We_believe_tokens_that_the_library_signs_with_our_key() => Assert.Equal(new AccessGrant(User, Family), Tokens().Read(Library(key, SecurityAlgorithms.HmacSha256)));

    [Theory]
    [InlineData("another key that is also long enough to sign", "HS256", "sendcat", 30)]
    [InlineData(SendcatApi.SigningKey + " and some more of it, since HS512 asks for it", "HS512", "sendcat", 30)]
    [InlineData(SendcatApi.SigningKey, "HS256", "somebody else", 30)]
    [InlineData(SendcatApi.SigningKey, "HS256", "sendcat", -5)]
    public void A_token_of_another_key_algorithm_issuer_or_time_is_refused(string signedWith, string algorithm, string issuer, int minutes) =>
        Assert.Null(Tokens().Read(Library(new(Encoding.UTF8.GetBytes(signedWith)), algorithm, issuer, minutes)));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("...")]
    [InlineData("a.b.c")]
    [InlineData("ünïcödé.b.c")]
    public void Nonsense_is_refused(string token) => Assert.Null(Tokens().Read(token));

    [Fact]
    public void Every_changed_character_is_noticed()
    {
        var token = Tokens().Issue(new(User, Family));
        for (var at = 0; at < token.Length - 1; at++)
        {
            var changed = token.ToCharArray();
            changed[at] = changed[at] == 'A' ? 'B' : 'A';
            Assert.Null(Tokens().Read(changed));
        }

        Assert.Null(Tokens().Read(token.AsSpan(0, token.Length - 1)));
        Assert.Null(Tokens().Read(token + "A"));
        Assert.Null(Tokens().Read(new string('a', 5_000) + "." + token));
    }

    [Fact]
    public void A_token_without_signature_is_refused_whatever_its_header_says()
    {
        static string Part(string json) => Base64UrlEncoder.Encode(json);
        var payload = Part($$"""{"iss":"sendcat","sub":"{{User}}","exp":4102444800}""");
        Assert.Null(Tokens().Read($"{Part("""{"alg":"none"}""")}.{payload}."));
        Assert.Null(Tokens().Read($"{Part("""{"alg":"none"}""")}.{payload}.{Part("x")}"));
        Assert.Null(Tokens().Read($"{Part("""{"alg":"HS256"}""")}.{payload}."));
    }

    [Theory]
    [InlineData("a.b.*******************************************")]
    [InlineData("a.b.éééééééééééééééééééééééééééééééééééééééééé=")]
    [InlineData("a.b.                                           ")]
    public void A_signature_outside_base64url_is_refused(string token) => Assert.Null(Tokens().Read(token));

    [Theory]
    [InlineData("""{"iss":"sendcat","sub":"u","exp":4102444800}""")]
    [InlineData("""{"iss":"sendcat","sub":"u","fam":null,"exp":4102444800}""")]
    [InlineData("""{"iss":"sendcat","sub":"u","fam":"x","exp":4102444800}""")]
    [InlineData("""{"iss":"sendcat","sub":"u","fam":"00000000-0000-0000-0000-000000000000","exp":4102444800}""")]
    [InlineData("""{"iss":"sendcat","sub":"\ud800","fam":"0199b1a0-0000-7000-8000-0000000000fa","exp":4102444800}""")]
    [InlineData("""{"iss":"sendcat","sub":"u","fam":"0199b1a0-0000-7000-8000-0000000000fa","exp":"soon"}""")]
    [InlineData("""["sendcat"]""")]
    [InlineData("""{"iss":""")]
    public void A_signed_token_without_a_family_or_of_another_shape_is_refused(string payload) => Assert.Null(Tokens().Read(Signed(payload)));

    [Fact]
    public void A_token_says_whether_the_address_was_confirmed()
    {
        Assert.True(Tokens().Read(Tokens().Issue(new(User, Family)))!.Value.EmailConfirmed);
        Assert.False(Tokens().Read(Tokens().Issue(new(User, Family, EmailConfirmed: false)))!.Value.EmailConfirmed);
    }

    [Fact]
    public void Reading_a_token_allocates_little_more_than_the_name_of_its_user()
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
        return $"{signed}.{Base64UrlEncoder.Encode(System.Security.Cryptography.HMACSHA256.HashData(Encoding.UTF8.GetBytes(SendcatApi.SigningKey), Encoding.ASCII.GetBytes(signed)))}";
    }

    private AccessTokens Tokens() => new(SigningKeyOf(SendcatApi.SigningKey), clock);

    private static SigningKey SigningKeyOf(string text) =>
        SigningKey.Load(new ConfigurationBuilder().AddInMemoryCollection([new("AUTH_SIGNING_KEY", text)]).Build(), new HostingEnvironment { EnvironmentName = "Production" });

    private string Library(SymmetricSecurityKey with, string algorithm, string issuer = "sendcat", int minutes = 30)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Subject = new ClaimsIdentity([new Claim("sub", User), new Claim("fam", Family.ToString("D"))]),
            NotBefore = now.AddMinutes(-10),
            Expires = now.AddMinutes(minutes),
            SigningCredentials = new(with, algorithm),
        });
    }
}
