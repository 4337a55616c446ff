with

exclusions as (

    select * from {{ ref('stg_account_mapping__settings_exclusions') }}
    where kind = 'domain'

),

domains as (

    select * from {{ ref('int_account_mapping__domains') }}

),

domain_aliases as (

    select * from {{ ref('int_account_mapping__domain_aliases') }}
    where relation = 'alias'

),

-- what a website or mail host says that names only a host
shared_hosts as (

    select distinct
        domain,
        case host_kind when 'mail' then 'free_mail' when 'host' then 'hosting' else host_kind end as reason

    from domains
    where host_kind is not null

),

final as (

    -- a shared suffix such as github.io is no registrable domain, yet may be excluded as it is written
    select
        coalesce(
            domain_aliases.canonical_domain, domains.domain, lower(exclusions.exclusion_value)
        ) as key_domain,
        exclusions.partner_id,
        exclusions.reason,
        exclusions.reason in ('free_mail', 'hosting', 'public', 'dummy') as is_key_only

    from exclusions
    left join domains
        on exclusions.exclusion_value = domains.raw_value
    left join domain_aliases
        on domains.domain = domain_aliases.domain

    union

    select
        coalesce(domain_aliases.canonical_domain, shared_hosts.domain) as key_domain,
        '*' as partner_id,
        shared_hosts.reason,
        true as is_key_only

    from shared_hosts
    left join domain_aliases
        on shared_hosts.domain = domain_aliases.domain

)

select * from final
