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

final as (

    -- a shared suffix such as github.io is no registrable domain, yet may be excluded as it is written
    select distinct
        coalesce(
            domain_aliases.canonical_domain, domains.domain, lower(exclusions.exclusion_value)
        ) as key_domain,
        exclusions.partner_id,
        exclusions.reason,
        exclusions.reason in ('free_mail', 'hosting') as is_key_only

    from exclusions
    left join domains
        on exclusions.exclusion_value = domains.raw_value
    left join domain_aliases
        on domains.domain = domain_aliases.domain

)

select * from final
