with

source as (

    {{ stage_columns('partners', 'partner_fields', candidates={
        'partner_id': ['partner_id'],
        'agreement_id': ['agreement_id'],
        'epoch': ['epoch'],
        'account_token': ['account_token'],
        'partner_account_token': ['partner_account_token'],
        'field': ['field'],
        'value': ['value'],
    }, required=['partner_id', 'agreement_id', 'epoch', 'account_token', 'field', 'value']) }}

),

renamed as (

    select
        ---------- ids
        lower({{ clean_id('partner_id') }}) as partner_id,
        {{ clean_id('agreement_id') }} as agreement_id,
        {{ clean_id('epoch') }} as epoch,
        {{ clean_text('account_token') }} as account_token,
        {{ clean_text('partner_account_token') }} as partner_account_token,

        ---------- text
        lower({{ clean_text('field') }}) as field,
        {{ clean_text('value') }} as field_value

    from source

)

select * from renamed
