with

lead_rows as (

    select * from {{ ref('int_account_mapping__lead_rows') }}
    where record_state = 'current'

),

domains as (

    select * from {{ ref('int_account_mapping__domains') }}
    where domain is not null

),

domain_aliases as (

    select * from {{ ref('int_account_mapping__domain_aliases') }}
    where relation = 'alias'

),

-- whatever many share names no company
excluded_domains as (

    select
        key_domain,
        max(case when reason = 'free_mail' then 1 else 0 end) as is_free_mail

    from {{ ref('int_account_mapping__excluded_domains') }}
    where
        is_key_only
        and partner_id = '*'
    group by key_domain

),

account_domains as (

    select distinct
        account_id,
        key_domain

    from {{ ref('int_account_mapping__account_domains') }}
    where side = 'ours'

),

spellings as (

    select
        source_relation,
        source_table,
        source_lead_id,
        website as raw_value

    from lead_rows

    union all

    select
        source_relation,
        source_table,
        source_lead_id,
        email_host as raw_value

    from lead_rows

),

-- a lead without any domain stays, to be told of
found as (

    select distinct
        spellings.source_relation,
        spellings.source_table,
        spellings.source_lead_id,
        coalesce(domain_aliases.canonical_domain, domains.domain) as key_domain

    from spellings
    left join domains
        on spellings.raw_value = domains.raw_value
    left join domain_aliases
        on domains.domain = domain_aliases.domain

),

final as (

    select
        found.source_relation,
        found.source_table,
        found.source_lead_id,
        found.key_domain,
        account_domains.account_id,
        case
            when found.key_domain is null then 'no_domain'
            when excluded_domains.is_free_mail = 1 then 'free_mail'
            when excluded_domains.key_domain is not null then 'no_domain'
            when account_domains.account_id is null then 'no_account'
            else 'account'
        end as finding

    from found
    left join excluded_domains
        on found.key_domain = excluded_domains.key_domain
    -- an account may have a mail provider's website, which makes the lead no row of its own
    left join account_domains
        on
            found.key_domain = account_domains.key_domain
            and excluded_domains.key_domain is null

)

select * from final
