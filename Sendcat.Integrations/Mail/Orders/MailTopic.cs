namespace Sendcat.Integrations.Mail.Orders;

/// <summary>What a mail is about.</summary>
public enum MailTopic
{
    Other,
    Order,
    Shipment,
    Delivery,
    Refund,

    /// <summary>A payment without a parcel: a subscription, a ride, a meal.</summary>
    Receipt,
    Promotion,
}
