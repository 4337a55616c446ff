with

crm_accounts as (

    select * from {{ ref('int_account_mapping__crm_accounts') }}

),

account_versions as (

    select * from {{ ref('int_account_mapping__account_versions') }}

),

account_ids as (

    select * from {{ ref('int_account_mapping__account_ids') }}

),

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

opportunities as (

    select * from {{ ref('int_account_mapping__opportunities') }}

),

unknown_statuses as (

    select * from {{ ref('int_account_mapping__status_evidence') }}
    where
        status is null
        and is_status_field

),

currency_rates as (

    select * from {{ ref('stg_account_mapping__settings_currency_rates') }}

),

final as (

    select
        source_relation as source,
        coalesce(account_name, website, '(no name)') as row_key,
        'missing_id' as problem,
        cast(null as {{ dbt.type_string() }}) as detail

    from crm_accounts
    where source_account_id is null

    union all

    select
        source_relation as source,
        source_account_id as row_key,
        'duplicate_id' as problem,
        account_name as detail

    from account_versions
    where version_rank > 1

    union all

    select
        source_relation as source,
        source_account_id as row_key,
        'unknown_parent' as problem,
        parent_source_account_id as detail

    from account_records
    where has_unknown_parent

    union all

    select
        source_relation as source,
        source_account_id as row_key,
        'merge_cycle' as problem,
        account_id as detail

    from account_ids
    where is_merge_cycle

    union all

    select
        source_relation as source,
        source_account_id as row_key,
        'unknown_status_value' as problem,
        field || ': ' || raw_value as detail

    from unknown_statuses

    union all

    select
        source_relation || ' opportunities' as source,
        source_opportunity_id as row_key,
        'unknown_account' as problem,
        source_account_id as detail

    from opportunities
    where
        source_account_id is not null
        and account_id is null
        and not exists (
            select 1 from account_versions
            where
                opportunities.source_relation = account_versions.source_relation
                and opportunities.source_account_id = account_versions.source_account_id
        )

    union all

    select
        source_relation || ' opportunities' as source,
        source_opportunity_id as row_key,
        'amount_not_a_number' as problem,
        raw_amount as detail

    from opportunities
    where
        raw_amount is not null
        and amount is null

    union all

    select
        source_relation || ' opportunities' as source,
        source_opportunity_id as row_key,
        'currency_without_rate' as problem,
        currency as detail

    from opportunities
    where lacks_rate

    union all

    select
        account_records.source_relation as source,
        account_records.source_account_id as row_key,
        case
            when account_records.open_amount is null then 'amount_not_a_number'
            else 'currency_without_rate'
        end as problem,
        coalesce(account_records.currency || ' ', '') || account_records.raw_open_amount as detail

    from account_records
    left join currency_rates
        on upper(account_records.currency) = currency_rates.currency
    where
        account_records.raw_open_amount is not null
        and (
            account_records.open_amount is null
            or (
                upper(account_records.currency) <> '{{ var("account_mapping__currency") | upper }}'
                and currency_rates.rate is null
            )
        )

)

select * from final
