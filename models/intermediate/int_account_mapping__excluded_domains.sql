with

exclusions as (

    select * from {{ ref('stg_account_mapping__settings_exclusions') }}
    where kind = 'domain'

),

domains as (

    select * from {{ ref('int_account_mapping__domains') }}

),

final as (

    -- a shared suffix such as github.io is no registrable domain, yet may be excluded as it is written
    select distinct
        coalesce(domains.domain, lower(exclusions.exclusion_value)) as domain,
        exclusions.partner_id,
        exclusions.reason,
        exclusions.reason in ('free_mail', 'hosting') as is_key_only

    from exclusions
    left join domains
        on exclusions.exclusion_value = domains.raw_value

)

select * from final
