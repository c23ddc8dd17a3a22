using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting.Internal;
using Sendcat.ApiService.Identity;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Signing;
using Sendcat.ToolWorker.Deliveries;

namespace Sendcat.UnitTests.Mail;

public sealed class LinkSignerTests
{
    private const string User = "0199b1a0-0000-7000-8000-000000000001";

    private static readonly DateTimeOffset RequestedAt = new(2026, 11, 26, 12, 0, 0, TimeSpan.Zero);

    private readonly LinkSigner _signer = new(SigningKey.Load(
        new ConfigurationBuilder().AddInMemoryCollection([new(SigningKey.Setting, "a signing key for tests, long enough to sign")]).Build(),
        new HostingEnvironment { EnvironmentName = "Production" }));

    [Fact]
    public void The_purposes_have_the_names_of_ASP_NET_Core_Identity()
    {
        Assert.Equal(UserManager<SendcatUser>.ResetPasswordTokenPurpose, LinkPurpose.ResetPassword.Name);
        Assert.Equal(UserManager<SendcatUser>.ConfirmEmailTokenPurpose, LinkPurpose.ConfirmEmail.Name);
        Assert.Equal(
            UserManager<SendcatUser>.GetChangeEmailTokenPurpose("ann@example.com"), LinkPurpose.ChangeEmail("ann@example.com").Name);
        Assert.All(
            new[] { LinkPurpose.ResetPassword, LinkPurpose.ConfirmEmail, LinkPurpose.ChangeEmail("ann@example.com") },
            purpose => Assert.Equal(purpose, LinkPurpose.Named(purpose.Name)));
        Assert.Throws<ArgumentOutOfRangeException>(() => LinkPurpose.Named("TwoFactor"));
    }

    [Fact]
    public void The_same_request_always_gives_the_same_token()
    {
        var token = _signer.Sign(LinkPurpose.ResetPassword, User, "stamp", RequestedAt);

        Assert.Equal(token, _signer.Sign(LinkPurpose.ResetPassword, User, "stamp", RequestedAt));
        Assert.NotEqual(token, _signer.Sign(LinkPurpose.ResetPassword, User, "stamp", RequestedAt.AddSeconds(1)));
    }

    [Fact]
    public void A_token_is_valid_for_its_purpose_account_and_stamp_until_it_expires()
    {
        var token = _signer.Sign(LinkPurpose.ResetPassword, User, "stamp", RequestedAt);
        var lastSecond = RequestedAt + LinkPurpose.ResetPassword.Lifetime - TimeSpan.FromSeconds(1);

        Assert.True(_signer.Verify(token, LinkPurpose.ResetPassword, User, "stamp", lastSecond));
        Assert.False(_signer.Verify(token, LinkPurpose.ResetPassword, User, "stamp", RequestedAt + LinkPurpose.ResetPassword.Lifetime));
        Assert.False(_signer.Verify(token, LinkPurpose.ConfirmEmail, User, "stamp", lastSecond));
        Assert.False(_signer.Verify(token, LinkPurpose.ResetPassword, User, "new stamp", lastSecond));
        Assert.False(_signer.Verify(token, LinkPurpose.ResetPassword, User.Replace('1', '2'), "stamp", lastSecond));
        Assert.False(_signer.Verify("nonsense", LinkPurpose.ResetPassword, User, "stamp", lastSecond));
    }

    [Fact]
    public void Every_mail_has_a_lifetime() =>
        Assert.All(
            Enum.GetValues<MailKind>(), kind => Assert.InRange(MailComposer.LifetimeOf(kind), TimeSpan.FromHours(1), TimeSpan.FromDays(7)));
}
