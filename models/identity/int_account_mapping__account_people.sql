with

people as (

    select * from {{ ref('int_account_mapping__people') }}
    where problem is null

),

domains as (

    select * from {{ ref('int_account_mapping__domains') }}

),

domain_aliases as (

    select * from {{ ref('int_account_mapping__domain_aliases') }}
    where relation = 'alias'

),

excluded_domains as (

    select distinct key_domain
    from {{ ref('int_account_mapping__excluded_domains') }}
    where
        reason = 'free_mail'
        and partner_id = '*'

),

final as (

    select distinct
        people.side,
        people.partner_id,
        people.account_id,
        people.source,
        people.contact_id,
        people.email,
        cast(dense_rank() over (order by people.email) as bigint) as person_number,
        people.role,
        case
            when domains.host_kind = 'dummy' then 'dummy_email'
            when domains.host_kind = 'mail' or excluded_domains.key_domain is not null then 'free_mail'
            else 'business'
        end as email_kind

    from people
    left join domains
        on people.email_host = domains.raw_value
    left join domain_aliases
        on domains.domain = domain_aliases.domain
    left join excluded_domains
        on coalesce(domain_aliases.canonical_domain, domains.domain) = excluded_domains.key_domain

)

select * from final
