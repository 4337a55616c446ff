with

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}

),

contact_hosts as (

    select * from {{ ref('int_account_mapping__contact_hosts') }}

),

domains as (

    select * from {{ ref('int_account_mapping__domains') }}
    where domain is not null

),

free_mail_domains as (

    select distinct key_domain from {{ ref('int_account_mapping__excluded_domains') }}
    where reason = 'free_mail'

),

domain_aliases as (

    select * from {{ ref('int_account_mapping__domain_aliases') }}
    where relation = 'alias'

),

contact_domains as (

    select distinct
        contact_hosts.account_id,
        contact_hosts.source_contact_id,
        domains.domain

    from contact_hosts
    inner join domains
        on contact_hosts.email_host = domains.raw_value
    left join free_mail_domains
        on domains.domain = free_mail_domains.key_domain
    where free_mail_domains.key_domain is null

),

business_contacts as (

    select
        account_id,
        count(distinct source_contact_id) as contacts

    from contact_domains
    group by account_id

),

-- one odd address does not make a domain: two contacts, and half of those with business mail, must have it
agreed_domains as (

    select
        contact_domains.account_id,
        contact_domains.domain

    from contact_domains
    inner join business_contacts
        on contact_domains.account_id = business_contacts.account_id
    group by contact_domains.account_id, contact_domains.domain, business_contacts.contacts
    having
        count(*) >= 2
        and 2 * count(*) >= business_contacts.contacts

),

spellings as (

    select
        'ours' as side,
        '*' as partner_id,
        account_id,
        website as raw_value,
        1 as is_website

    from account_records

    union all

    select
        'ours' as side,
        '*' as partner_id,
        account_id,
        additional_domains as raw_value,
        1 as is_website

    from account_records

    union all

    select
        'ours' as side,
        '*' as partner_id,
        account_id,
        email_domain as raw_value,
        0 as is_website

    from account_records

    union all

    select
        'partner' as side,
        partner_id,
        account_id,
        website as raw_value,
        1 as is_website

    from partner_records

    union all

    select
        'partner' as side,
        partner_id,
        account_id,
        email_domain as raw_value,
        0 as is_website

    from partner_records

),

found as (

    select
        spellings.side,
        spellings.partner_id,
        spellings.account_id,
        domains.domain,
        spellings.is_website,
        case when domains.has_page then spellings.is_website else 0 end as has_page

    from spellings
    inner join domains
        on spellings.raw_value = domains.raw_value

    union all

    select
        'ours' as side,
        '*' as partner_id,
        account_id,
        domain,
        0 as is_website,
        0 as has_page

    from agreed_domains

),

final as (

    select
        found.side,
        found.partner_id,
        found.account_id,
        found.domain,
        coalesce(domain_aliases.canonical_domain, found.domain) as key_domain,
        max(found.is_website) = 1 as is_website,
        min(found.is_website) = 0 as is_email,
        max(found.has_page) = 1 as has_page

    from found
    left join domain_aliases
        on found.domain = domain_aliases.domain
    group by
        found.side,
        found.partner_id,
        found.account_id,
        found.domain,
        domain_aliases.canonical_domain

)

select * from final
