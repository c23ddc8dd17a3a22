namespace Sendcat.Integrations.Mail.Senders;

/// <summary>What is known about who wrote a mail.</summary>
public enum SenderTrust
{
    /// <summary>
    /// A known merchant: the trusted receiver verified the domain of From (DKIM, DMARC, or ARC of a trusted forwarder).
    /// </summary>
    Authenticated,

    /// <summary>
    /// The receiver verified the domain of From, which is no known merchant's: a shop, a person, or a spammer with a domain.
    /// </summary>
    Stranger,

    /// <summary>No receiver says anything about the sender. From stands alone, or Reply-To agrees with it.</summary>
    Claimed,

    /// <summary>The original inside a forwarded mail: nobody can verify it any more.</summary>
    Forwarded,

    /// <summary>
    /// The sender is not the domain of From, there is no single sender, or the results are another server's or cannot be read.
    /// </summary>
    Unproven,

    /// <summary>The user wrote it to us: a message of the linked phone.</summary>
    User,
}
