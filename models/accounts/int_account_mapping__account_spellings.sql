with

account_ids as (

    select * from {{ ref('int_account_mapping__account_ids') }}

),

-- Salesforce reports and hand-made lists have 15 of the 18 characters
spelled as (

    select
        source_relation || ':' || source_account_id as spelling,
        account_id

    from account_ids

    union all

    select
        source_account_id as spelling,
        account_id

    from account_ids

    union all

    select
        source_relation || ':' || left(source_account_id, 15) as spelling,
        account_id

    from account_ids
    where
        {{ account_mapping.crm_kind('source_relation') | indent(8) }} = 'salesforce'
        and length(source_account_id) = 18

    union all

    select
        left(source_account_id, 15) as spelling,
        account_id

    from account_ids
    where
        {{ account_mapping.crm_kind('source_relation') | indent(8) }} = 'salesforce'
        and length(source_account_id) = 18

),

final as (

    select
        spelling,
        min(account_id) as account_id

    from spelled
    group by spelling
    having min(account_id) = max(account_id)

)

select * from final
