using System.Text;
using CsCheck;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Chat;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Identity.Passwords;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.ApiService.Identity.Tokens;
using Sendcat.ApiService.Threads;
using Sendcat.Integrations.Signing;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.UntrustedText;
using Sendcat.UnitTests.Reliability;

namespace Sendcat.UnitTests.Http;

/// <summary>No parser throws on untrusted input, and none accepts a token or session that it did not issue.</summary>
public sealed class ParserFuzzTests
{
    private static readonly SigningKey Key = SigningKey.Load(
        new ConfigurationBuilder().AddInMemoryCollection([new("AUTH_SIGNING_KEY", "a signing key for tests, long enough to sign")]).Build(),
        new HostingEnvironment { EnvironmentName = "Production" });

    /// <summary>Characters with a meaning for parsers, mixed with any others, including lone surrogates.</summary>
    private static readonly Gen<char> Character = Gen.OneOf(
        Gen.Char, Gen.Char["AZaz09-_.|:+/= \0{}\"\\,;%@*"], Gen.Char.AlphaNumeric, Gen.Const('.'));

    private static readonly Gen<string> Text = Gen.OneOf(
        Character.Array[0, 200].Select(chars => new string(chars)),
        Gen.OneOf(Character, Gen.Char.AlphaNumeric).Array[22].Select(chars => new string(chars)));

    [Fact]
    public void Forged_access_tokens_are_refused()
    {
        var tokens = new AccessTokens(Key, TimeProvider.System);
        var signature = Gen.OneOf(Character, Gen.Char.AlphaNumeric).Array[43].Select(chars => new string(chars));

        Gen.Select(Text, Text, Gen.OneOf(signature, Text))
            .Sample((header, payload, signed) => tokens.Read($"{header}.{payload}.{signed}") is null && tokens.Read(payload) is null);
    }

    [Fact]
    public void Changed_access_tokens_are_refused()
    {
        var tokens = new AccessTokens(Key, TimeProvider.System);
        var token = tokens.Issue(new("user", Guid.NewGuid()));

        // The last character is not changed: two of its bits belong to no byte, so another character there can decode to the same bytes.
        Gen.Select(Gen.Int[0, token.Length - 2], Character).Sample((at, other) =>
        {
            var changed = token.ToCharArray();
            changed[at] = other;
            return other == token[at] ? tokens.Read(changed) is not null : tokens.Read(changed) is null;
        });
    }

    [Fact]
    public void Forged_sessions_are_refused_when_only_signed_sessions_are_accepted()
    {
        var sessions = Sessions(signedOnly: true);

        Gen.Select(Text, Text).Sample((id, signature) => sessions.Accept($"anon_{id}.{signature}") is null && sessions.Accept(id) is null);
    }

    [Fact]
    public void An_unsigned_session_is_never_accepted_as_a_signed_one()
    {
        var sessions = Sessions(signedOnly: false);

        Gen.OneOf(Text, Text.Select(text => $"anon_{text}"), Text.Select(text => $"auth-{text}")).Sample(presented =>
            sessions.Accept(presented) is not { } accepted || !AnonymousSessions.IsSigned(accepted));
        Assert.True(AnonymousSessions.IsSigned(sessions.Accept(sessions.Issue())!));
    }

    [Fact]
    public void Link_tokens_yield_a_user_only_as_a_uuid() =>
        Gen.OneOf(Text, Gen.Select(Text, Text).Select((user, rest) => $"{user}.{rest}.x"))
            .Sample(token => LinkTokens.UserOf(token) is not { } user || Guid.TryParseExact(user, "D", out _));

    [Fact]
    public void Untrusted_cursors_limits_and_ids_are_parsed_or_refused()
    {
        var encoded = Gen.OneOf(
            Text, Text.Select(text => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text))),
            Gen.Select(Gen.Decimal, Gen.Guid).Select((key, id) => new PageCursor("died", key, id).ToString()));
        encoded.Sample(text =>
        {
            if (PageCursor.TryRead(text, "died", out var cursor))
            {
                _ = cursor?.At;
            }

            _ = PageCursor.TryRead(text, ThreadList.Parts, out _);
            _ = PageLimit.Read(text, 1, 10).TryGet(out _, out _);
            _ = StreamIds.TryParse(text, out _);
            _ = ThreadAccess.IsId(text, out _);
        });
    }

    [Fact]
    public void Base64url_is_decoded_or_refused()
    {
        Text.Sample(text =>
        {
            Span<byte> bytes = stackalloc byte[16];
            _ = Base64UrlText.TryDecode(text, bytes, out _);
            _ = Base64UrlText.TryDecodeExactly(text, bytes);
        });
        Gen.Byte.Array[16].Sample(bytes =>
        {
            Span<byte> decoded = stackalloc byte[16];
            return Base64UrlText.TryDecodeExactly(System.Buffers.Text.Base64Url.EncodeToString(bytes), decoded)
                && decoded.SequenceEqual(bytes);
        });
    }

    [Fact]
    public void Email_addresses_passwords_and_texts_are_checked_without_an_exception()
    {
        var options = new AccountOptions { ConfirmedDomains = "example.com, , drills.example" };
        Gen.OneOf(Text, Gen.Select(Text, Text).Select((name, domain) => $"{name}@{domain}")).Sample(text =>
        {
            _ = EmailAddress.IsPlausible(text);
            _ = options.Confirms(text);
            _ = PasswordRules.Permit(text);
            _ = StoredText.HasText(text, 100);
            _ = StorableText.Sanitize(text);
        });
    }

    [Fact]
    public void Every_knob_accepts_or_refuses_any_text()
    {
        var knobs = KnobsTests.Provider().GetRequiredService<KnobRegistry>().All;
        Gen.OneOf(Text, Gen.OneOf(Gen.Const("+1"), Gen.Const("-"), Gen.Const("_"), Gen.Const("1e999"), Gen.Const(""))).Sample(
            text =>
            {
                foreach (var knob in knobs)
                {
                    _ = knob.TryParse(text, out _, out _);
                }
            },
            iter: 200);
    }

    private static AnonymousSessions Sessions(bool signedOnly)
    {
        var services = new ServiceCollection();
        services.Configure<SessionOptions>(options => options.SignedOnly = signedOnly);
        return new(Key, services.BuildServiceProvider().GetRequiredService<IOptionsMonitor<SessionOptions>>(), TimeProvider.System);
    }
}
