with

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

account_spellings as (

    select * from {{ ref('int_account_mapping__account_spellings') }}

),

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

excluded_accounts as (

    select * from {{ ref('int_account_mapping__excluded_accounts') }}

),

target_accounts as (

    select * from {{ ref('int_account_mapping__target_accounts') }}

),

known_partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

partners as (

    select * from known_partners
    where is_active

),

match_overrides as (

    select * from {{ ref('stg_account_mapping__settings_match_overrides') }}

),

exclusions as (

    select * from {{ ref('stg_account_mapping__settings_exclusions') }}

),

final as (

    {% if account_mapping.leads_mode() == 'records' -%}
    select
        'accounts' as source,
        '(all)' as row_key,
        'free_mail_leads' as problem,
        cast(null as {{ dbt.type_string() }}) as detail

    from excluded_accounts
    where
        side = 'ours'
        and ';' || replace(reason, ' ', '') || ';' like '%;free_mail_lead;%'

    union all

    {% endif -%}
    select
        account_records.source_relation as source,
        account_records.source_account_id as row_key,
        'cyclic_parents' as problem,
        members.unit_id as detail

    from members
    inner join account_records
        on members.account_id = account_records.account_id
    where
        members.side = 'ours'
        and members.scope = '*'
        and members.is_cyclic

    union all

    select
        partner_records.source,
        members.scope || ':' || members.account_id as row_key,
        'cyclic_parents' as problem,
        members.unit_id as detail

    from members
    inner join partner_records
        on
            members.scope = partner_records.partner_id
            and members.account_id = partner_records.account_id
    where
        members.side = 'partner'
        and members.is_cyclic

    union all

    select
        'account_mapping__match_overrides' as source,
        match_overrides.partner_id || ' ' || match_overrides.account_id || ' '
        || match_overrides.partner_account_id as row_key,
        case
            when account_spellings.account_id is null or partner_records.account_id is null
                then 'override_of_unknown_account'
            else 'override_of_excluded_account'
        end as problem,
        match_overrides.decision as detail

    from match_overrides
    inner join partners
        on match_overrides.partner_id = partners.partner_id
    left join account_spellings
        on match_overrides.account_id = account_spellings.spelling
    left join partner_records
        on
            match_overrides.partner_id = partner_records.partner_id
            and match_overrides.partner_account_id = partner_records.account_id
    where
        account_spellings.account_id is null
        or partner_records.account_id is null
        or (
            match_overrides.decision = 'match'
            and exists (
                select 1 from excluded_accounts
                where
                    (
                        excluded_accounts.side = 'ours'
                        and excluded_accounts.account_id = account_spellings.account_id
                        and excluded_accounts.for_partner_id in ('*', match_overrides.partner_id)
                    )
                    or (
                        excluded_accounts.side = 'partner'
                        and excluded_accounts.account_id = match_overrides.partner_account_id
                        and excluded_accounts.for_partner_id = match_overrides.partner_id
                    )
            )
        )

    union all

    select
        'account_mapping__exclusions' as source,
        exclusions.exclusion_value as row_key,
        'exclusion_of_unknown_account' as problem,
        exclusions.reason as detail

    from exclusions
    left join account_spellings
        on exclusions.exclusion_value = account_spellings.spelling
    left join partner_records
        on
            exclusions.partner_id = partner_records.partner_id
            and exclusions.exclusion_value = partner_records.account_id
    where
        exclusions.kind = 'account_id'
        and account_spellings.account_id is null
        and partner_records.account_id is null

    union all

    select
        'account_mapping__target_accounts' as source,
        coalesce(target_account_id, target_domain) as row_key,
        'target_without_account' as problem,
        list_name as detail

    from target_accounts
    where account_id is null

)

select * from final
