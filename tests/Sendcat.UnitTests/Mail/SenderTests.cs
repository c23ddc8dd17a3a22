using System.Text;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Mail.Merchants;
using Sendcat.Integrations.Mail.Senders;

namespace Sendcat.UnitTests.Mail;

/// <summary>Whose mail it is: only the topmost results of the trusted receiver count, and only for the domain of From.</summary>
public sealed class SenderTests
{
    private const string Passed =
        "Authentication-Results: mx.google.com; dkim=pass header.i=@amazon.com header.s=a header.b=x; spf=pass "
            + "smtp.mailfrom=b@amazon.com; dmarc=pass (p=QUARANTINE) header.from=amazon.com";

    [Theory]
    [InlineData("From: Amazon <auto-confirm@amazon.com>", "amazon")]
    [InlineData("From: a@ship.amazon.com", "amazon")]
    [InlineData("From: AMAZON <A@AMAZON.COM>", "amazon")]
    public void A_verified_domain_of_a_merchant_is_its_own_mail(string from, string merchant)
    {
        var mail = Read(Passed, from);

        Assert.Equal((SenderTrust.Authenticated, merchant), (mail.Trust, mail.Merchant?.Id));
    }

    [Theory]
    [InlineData("gran.example")]
    [InlineData("cheap-watches.shop")]
    [InlineData("ups.com")]
    [InlineData("marketplace.amazon.com")]
    [InlineData("m.marketplace.amazon.co.uk")]
    [InlineData("members.ebay.com")]
    public void A_verified_domain_of_nobody_known_or_of_a_relay_is_a_stranger(string domain)
    {
        var mail = Read($"Authentication-Results: mx.google.com; dkim=pass header.d={domain}", $"From: a@{domain}");

        Assert.Equal((SenderTrust.Stranger, null), (mail.Trust, mail.Merchant));
    }

    [Theory]
    [InlineData("amazon.com.example.org")]
    [InlineData("notamazon.com")]
    [InlineData("amazon.com-orders.example")]
    [InlineData("xn--mazon-3ve.com")]
    [InlineData("amazon.co")]
    [InlineData("amazonses.com")]
    public void A_domain_that_resembles_a_merchant_is_another_sender(string domain)
    {
        var mail = Read(
            $"Authentication-Results: mx.google.com; dkim=pass header.d={domain}; dmarc=pass header.from={domain}",
            $"From: Amazon.com <auto-confirm@{domain}>");

        Assert.Null(mail.Merchant);
        Assert.Null(Merchant.OfDomain(domain));
    }

    [Theory]
    [InlineData("Authentication-Results: mx.google.com; dkim=fail header.i=@amazon.com; dmarc=fail header.from=amazon.com")]
    [InlineData("Authentication-Results: mx.google.com; dkim=pass header.i=@evil.example; dmarc=fail header.from=amazon.com")]
    [InlineData("Authentication-Results: mx.google.com; spf=pass smtp.mailfrom=evil.example")]
    [
        InlineData(
            "Authentication-Results: mx.google.com; dkim=pass header.i=@evil.example\nAuthentication-Results: mx.google.com; dkim=pass "
                + "header.i=@amazon.com")]
    [InlineData("Authentication-Results: mx.google.com; dkim=none (note dkim=pass header.d=amazon.com)")]
    [InlineData("Authentication-Results: mx.google.com; dkim=pass reason=\"x; dkim=pass header.d=amazon.com\" header.d=evil.example")]
    [InlineData("Authentication-Results: mx.google.com; dkim=pass header.d=com")]
    [InlineData("Authentication-Results: mx.google.com; dkim=pass header.d=evil.amazon.com; dmarc=pass header.from=evil.amazon.com")]
    [InlineData("Authentication-Results: mail.evil.example; dkim=pass header.d=amazon.com")]
    [InlineData("Authentication-Results: mail.evil.example; dkim=fail")]
    [InlineData("Authentication-Results:")]
    public void Results_that_do_not_prove_From_leave_the_mail_unproven(string results)
    {
        var mail = Read(results, "From: Amazon <auto-confirm@amazon.com>");

        Assert.Equal(SenderTrust.Unproven, mail.Trust);
        Assert.Null(mail.Merchant);
    }

    /// <summary>The receiver repeats the address of the envelope, whose local part the sender chose.</summary>
    [Theory]
    [InlineData("""spf=pass (google.com: domain of "a\) ; dkim=pass header.d=amazon.com \("@evil.example designates 192.0.2.1) smtp.mailfrom=x@evil.example""")]
    [InlineData("""spf=pass (google.com: domain of "a) ; dkim=pass header.d=amazon.com ("@evil.example designates 192.0.2.1) smtp.mailfrom=x@evil.example""")]
    [InlineData("""spf=pass smtp.mailfrom="a\" ; dkim=pass header.d=amazon.com ; x=\"b"@evil.example""")]
    [InlineData("""spf=pass smtp.mailfrom="a =?utf-8?q?=22_=3B_dkim=3Dpass_header.d=3Damazon.com_=3B_=22?= b"@evil.example""")]
    [InlineData("""dkim=pass header.d=amazon.com; spf=pass smtp.mailfrom="a@evil.example""")]
    [InlineData("""dkim=pass header.d=amazon.com; spf=pass (domain of a@evil.example""")]
    [InlineData("""dkim=pass header.d=amazon.com; spf=pass (domain of a@evil.example\)""")]
    [InlineData("""dkim=pass header.d=amazon.com; spf=pass smtp.mailfrom="a\""")]
    public void What_a_sender_writes_into_a_result_adds_none(string results)
    {
        var mail = Read($"Authentication-Results: mx.google.com; {results}", "From: Amazon <auto-confirm@amazon.com>");

        Assert.Equal((SenderTrust.Unproven, null), (mail.Trust, mail.Merchant));
    }

    [Fact]
    public void Results_that_are_too_long_are_not_cut_to_a_proof()
    {
        const string Start = "mx.google.com; spf=none reason=";
        const string End = "; dkim=pass header.d=amazon.com";

        var mail = Read(
            $"Authentication-Results: {Start}{new string('x', 16_384 - Start.Length - End.Length)}{End}.evil.example",
            "From: a@amazon.com");

        Assert.Equal(SenderTrust.Unproven, mail.Trust);
    }

    [Theory]
    [InlineData("""dkim=pass (a \) b) header.d="amazon.com" header.s=x""")]
    [InlineData("""spf=pass (google.com: domain of "a b"@amazon.com designates 192.0.2.1) smtp.mailfrom="a\"b"@amazon.com; dkim=pass header.i=@amazon.com""")]
    public void Quotes_and_comments_of_a_proof_are_read(string results) =>
        Assert.Equal(SenderTrust.Authenticated, Read($"Authentication-Results: mx.google.com; {results}", "From: a@ship.amazon.com").Trust);

    [Theory]
    [InlineData("myshopify.com", "tea-shop.myshopify.com", SenderTrust.Stranger)]
    [InlineData("tea-shop.myshopify.com", "myshopify.com", SenderTrust.Unproven)]
    [InlineData("tea-shop.myshopify.com", "other.myshopify.com", SenderTrust.Unproven)]
    public void A_domain_signs_for_itself_and_for_those_below_it(string signer, string from, SenderTrust trust) =>
        Assert.Equal(trust, Read($"Authentication-Results: mx.google.com; dkim=pass header.i=@{signer}", $"From: a@{from}").Trust);

    [Theory]
    [InlineData("X-Any: 1")]
    [InlineData("Received: by mx.example; Tue, 10 Nov 2026 08:12:44 -0800")]
    public void Without_results_of_the_receiver_From_is_a_claim(string header)
    {
        Assert.Equal(SenderTrust.Claimed, Read(header, "From: a@amazon.com").Trust);
        Assert.Equal(SenderTrust.Claimed, Read(header, "From: a@amazon.com\nReply-To: b@reply.amazon.com").Trust);
        Assert.Equal(SenderTrust.Unproven, Read(header, "From: a@amazon.com\nReply-To: b@evil.example").Trust);
    }

    [Fact]
    public void Results_below_the_headers_of_the_sender_do_not_count() =>
        Assert.Equal(SenderTrust.Claimed, Read("X-Any: 1", $"From: a@amazon.com\nSubject: x\n{Passed}").Trust);

    [Theory]
    [InlineData("From: a@amazon.com\nFrom: b@evil.example")]
    [InlineData("From: a@amazon.com, b@evil.example")]
    [InlineData("X-None: 1")]
    [InlineData("From: \"auto@amazon.com\"")]
    public void Several_or_no_senders_prove_nothing(string from)
    {
        var mail = Read(Passed, from);

        Assert.Equal((SenderTrust.Unproven, null), (mail.Trust, mail.Merchant));
    }

    [Theory]
    [InlineData("google.com", SenderTrust.Authenticated)]
    [InlineData("evil.example", SenderTrust.Unproven)]
    public void A_seal_counts_if_its_sealer_is_trusted(string sealer, SenderTrust trust)
    {
        var mail = Read(
            $"ARC-Seal: i=1; a=rsa-sha256; cv=none; d={sealer}; s=x; b=y\nARC-Authentication-Results: i=1; mx.{sealer}; dkim=pass header.d=amazon.com\n"
            + "Authentication-Results: mx.google.com; dkim=fail header.i=@amazon.com; arc=pass (i=1 dkim=pass dkdomain=amazon.com)",
            "From: a@amazon.com");

        Assert.Equal(trust, mail.Trust);
    }

    [Theory]
    [InlineData("outlook.com", "pass", SenderTrust.Authenticated)]
    [InlineData("outlook.com", "fail", SenderTrust.Unproven)]
    [InlineData("evil.example", "pass", SenderTrust.Unproven)]
    public void The_seal_of_the_receiver_itself_is_no_forwarder(string forwarder, string seen, SenderTrust trust)
    {
        var mail = Read(
            "ARC-Seal: i=2; a=rsa-sha256; cv=pass; d=google.com; s=x; b=y\nARC-Authentication-Results: i=2; mx.google.com; dkim=fail "
                + "header.i=@amazon.com; arc=pass (i=1)\n"
                + $"ARC-Seal: i=1; a=rsa-sha256; cv=none; d={forwarder}; s=x; b=y\nARC-Authentication-Results: i=1; mx.{forwarder}; "
                + $"dkim={seen} header.d=amazon.com\n"
                + "Authentication-Results: mx.google.com; dkim=fail header.i=@amazon.com; arc=pass (i=1 dkim=pass dkdomain=amazon.com)",
            "From: a@amazon.com");

        Assert.Equal(trust, mail.Trust);
    }

    [Fact]
    public void A_seal_that_the_receiver_did_not_verify_counts_for_nothing() =>
        Assert.Equal(SenderTrust.Unproven, Read(
            "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=google.com; s=x; b=y\nARC-Authentication-Results: i=1; mx.google.com; dkim=pass "
                + "header.d=amazon.com\n"
            + "Authentication-Results: mx.google.com; dkim=fail header.i=@amazon.com; arc=fail",
            "From: a@amazon.com").Trust);

    [Theory]
    [InlineData("-----Original Message-----\nFrom: SHEIN [mailto:noreply@sheinnotice.com]\nSent: Monday\nSubject: Shipped\n\nbody")]
    [
        InlineData(
            "---------- Forwarded message ---------\nFrom: SHEIN <noreply@sheinnotice.com>\nDate: Mon\nSubject: Shipped\nTo: me\n\nbody")]
    [InlineData("> Begin forwarded message:\n> \n> From: SHEIN <noreply@sheinnotice.com>\n> Subject: Shipped\n> \n> body")]
    [
        InlineData(
            "---------- Mensaje reenviado ---------\nDe: SHEIN <noreply@sheinnotice.com>\nFecha: lun\nAsunto: Shipped\nPara: yo\n\nbody")]
    public void A_forward_inside_the_text_is_read_as_its_original(string text)
    {
        var mail = MailReader.Read(Encoding.UTF8.GetBytes($"From: me@home.example\nSubject: Fwd\n\nhere it is\n\n{text}\n"));

        var original = Assert.Single(mail.Originals);
        Assert.Equal((SenderTrust.Forwarded, "shein", "Shipped"), (original.Trust, original.Merchant?.Id, original.Subject));
        Assert.EndsWith("body", original.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Fw: Shipped", "From: SHEIN <noreply@sheinnotice.com>\nSent: Monday, November 23, 2026\nTo: me\nSubject: Shipped\n\nbody")]
    [InlineData("WG: Shipped", "Von: SHEIN <noreply@sheinnotice.com>\nGesendet: Montag\nAn: ich\nBetreff: Shipped\n\nbody")]
    [InlineData("VB: Shipped", "Från: SHEIN <noreply@sheinnotice.com>\nSkickat: måndag\nTill: mig\nÄmne: Shipped\n\nbody")]
    public void A_forward_without_a_mark_is_read_as_its_original(string subject, string text)
    {
        var head = $"Content-Type: text/plain; charset=utf-8\nSubject: {subject}\nFrom: me@home.example";

        var original = Assert.Single(Read(Passed, head, $"for you\n\n{text}").Originals);

        Assert.Equal((SenderTrust.Forwarded, "shein", "Shipped"), (original.Trust, original.Merchant?.Id, original.Subject));
    }

    [Fact]
    public void A_reply_forwards_nothing() =>
        Assert.Empty(
            Read(
                Passed, "Subject: Re: Shipped\nFrom: shop@shop.example",
                "It is.\n\nFrom: me <me@home.example>\nSent: Monday\nTo: shop\nSubject: Shipped\n\nWhere is it?").Originals);

    [Fact]
    public void A_merchants_own_mail_forwards_nothing() =>
        Assert.Empty(
            Read(
                Passed, "From: a@amazon.com",
                "---------- Forwarded message ---------\nFrom: x <a@shein.com>\nSubject: s\n\nbody").Originals);

    private static ReadMail Read(string top, string from, string body = "hello") =>
        MailReader.Read(Encoding.UTF8.GetBytes($"{top}\n{from}\n\n{body}\n"));
}
