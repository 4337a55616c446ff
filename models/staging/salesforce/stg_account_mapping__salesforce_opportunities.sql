{{ config(enabled='salesforce' in var('account_mapping__crms', [])) }}

with

source as (

    {{ stage_columns('salesforce', 'opportunity', candidates={
        'source_opportunity_id': ['id', 'opportunity id'],
        'source_account_id': ['account_id', 'accountid', 'account id'],
        'stage': ['stage_name', 'stagename', 'stage'],
        'amount': ['amount'],
        'currency': [
            'currency_iso_code', 'currencyisocode', 'amount currency', 'opportunity currency', 'currency',
        ],
        'is_closed': ['is_closed', 'isclosed', 'closed'],
        'is_won': ['is_won', 'iswon', 'won'],
        'close_date': ['close_date', 'closedate', 'close date'],
        'created_date': ['created_date', 'createddate', 'created date'],
        'is_deleted': ['is_deleted', 'isdeleted', 'deleted'],
        'is_deleted_by_loader': ['_fivetran_deleted'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ salesforce_id_18('source_opportunity_id') }} as source_opportunity_id,
        {{ salesforce_id_18('source_account_id') }} as source_account_id,

        ---------- strings
        {{ clean_text('stage') }} as stage,
        {{ clean_text('amount') }} as raw_amount,
        {{ clean_text('currency') }} as currency,

        ---------- numerics
        {{ to_decimal('amount') }} as amount,

        ---------- booleans
        {{ to_boolean('is_closed') }} as is_closed,
        {{ to_boolean('is_won') }} as is_won,
        coalesce({{ to_boolean('is_deleted') }}, false)
        or coalesce({{ to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ to_boolean('is_current_version') }}, true) as is_current_version,

        ---------- timestamps
        {{ to_date('close_date') }} as close_date,
        {{ to_date('created_date') }} as created_date

    from source

)

select * from renamed
